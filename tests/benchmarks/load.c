/*
 * Load for a mount, from a program that costs next to nothing itself. It prints one number.
 *
 * bench_load absent SECONDS DIRECTORY...   a process for each DIRECTORY looks up names that are not
 *                                          there, no name twice: lookups per second of all
 * bench_load read LIST                     stat, open, read and close of each file that LIST names,
 *                                          one a line: nanoseconds per file
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { EXIT_USAGE = 2, PATH_SIZE = 4096, READ_SIZE = 1 << 16, BATCH = 64 };

struct shared {
    volatile bool start; /* set once, by the parent */
    volatile bool stop;
    uint64_t done[]; /* of each process */
};

static int64_t load_now(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void load_pause(int64_t nanoseconds)
{
    struct timespec rest = {nanoseconds / 1000000000, nanoseconds % 1000000000};
    while (nanosleep(&rest, &rest) < 0 && errno == EINTR)
        ;
}

/* Looks up until told to stop; the number of lookups, or -errno of one that was not ENOENT. */
static int64_t absent_lookups(const char *directory, const struct shared *shared)
{
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    while (!shared->start)
        load_pause(1000000);
    int64_t done = 0;
    while (!shared->stop) {
        for (int i = 0; i < BATCH; i++, done++) {
            char name[64];
            struct stat st;
            (void)snprintf(name, sizeof(name), "absent-%d-%" PRId64, (int)getpid(), done);
            if (fstatat(fd, name, &st, 0) == 0 || errno != ENOENT)
                return errno ? -errno : -EEXIST;
        }
    }
    close(fd);
    return done;
}

static int absent_child(const char *directory, struct shared *shared, int number)
{
    int64_t done = absent_lookups(directory, shared);
    if (done < 0) {
        fprintf(stderr, "bench_load: %s: %s\n", directory, strerror((int)-done));
        return EXIT_FAILURE;
    }
    shared->done[number] = (uint64_t)done;
    return EXIT_SUCCESS;
}

static int absent(double seconds, char **directories, int count)
{
    size_t size = sizeof(struct shared) + (size_t)count * sizeof(uint64_t);
    struct shared *shared =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return EXIT_FAILURE;
    for (int i = 0; i < count; i++) {
        pid_t pid = fork();
        if (pid == 0)
            _exit(absent_child(directories[i], shared, i));
        if (pid < 0)
            return EXIT_FAILURE;
    }
    int64_t start = load_now();
    shared->start = true;
    load_pause((int64_t)(seconds * 1e9));
    shared->stop = true;
    bool failed = false;
    uint64_t done = 0;
    for (int i = 0; i < count; i++) {
        int status = 0;
        failed |= wait(&status) < 0 || status != 0;
    }
    int64_t took = load_now() - start;
    for (int i = 0; i < count; i++)
        done += shared->done[i];
    printf("%.0f\n", (double)done / ((double)took / 1e9));
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int read_one(const char *path)
{
    static char bytes[READ_SIZE];
    struct stat st;
    if (stat(path, &st) < 0)
        return -errno;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    ssize_t got;
    off_t size = 0;
    while ((got = read(fd, bytes, sizeof(bytes))) > 0)
        size += got;
    int err = got < 0 ? -errno : size != st.st_size ? -EIO : 0;
    close(fd);
    return err;
}

static int read_files(const char *list)
{
    FILE *file = fopen(list, "re");
    if (!file) {
        perror(list);
        return EXIT_FAILURE;
    }
    char path[PATH_SIZE];
    int64_t files = 0, start = load_now();
    while (fgets(path, sizeof(path), file)) {
        path[strcspn(path, "\n")] = '\0';
        int err = read_one(path);
        if (err) {
            fprintf(stderr, "bench_load: %s: %s\n", path, strerror(-err));
            (void)fclose(file);
            return EXIT_FAILURE;
        }
        files++;
    }
    int64_t took = load_now() - start;
    (void)fclose(file);
    printf("%" PRId64 "\n", files ? took / files : 0);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    if (argc >= 4 && strcmp(argv[1], "absent") == 0)
        return absent(strtod(argv[2], NULL), argv + 3, argc - 3);
    if (argc == 3 && strcmp(argv[1], "read") == 0)
        return read_files(argv[2]);
    fprintf(stderr, "usage: bench_load absent SECONDS DIRECTORY... | read LIST\n");
    return EXIT_USAGE;
}

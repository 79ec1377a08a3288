/* expiry: the list that is held has expired: the kernel asks again for what it tells of. */
#ifndef BIGDATAFS_INODE_EXPIRY_H
#define BIGDATAFS_INODE_EXPIRY_H

/* catalogue_observer: refreshed. */
void node_on_refreshed(void *arg);
/* loop_timer: the list that is held has expired. */
void node_on_expiry(void *arg);

#endif

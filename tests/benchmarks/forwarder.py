"""Passes TCP connections on, and what comes back through them MS milliseconds later.

python3 -m benchmarks.forwarder MS HOST:PORT; prints the port that it listens on.
"""

import asyncio
import sys


async def there(reader, writer):
    while data := await reader.read(1 << 18):
        writer.write(data)
        await writer.drain()
    writer.close()


async def back(reader, writer, delay):
    """Each piece waits from when it came, so that pieces do not add up their waits."""
    loop, queue = asyncio.get_running_loop(), asyncio.Queue()

    async def collect():
        data = b"before the first"
        while data:
            data = await reader.read(1 << 18)
            queue.put_nowait((loop.time() + delay, data))

    collecting = asyncio.create_task(collect())
    while True:
        due, data = await queue.get()
        await asyncio.sleep(due - loop.time())
        if not data:
            break
        writer.write(data)
        await writer.drain()
    writer.close()
    await collecting


async def main(milliseconds, target):
    host, port = target.rsplit(":", 1)

    async def connected(reader, writer):
        far_reader, far_writer = await asyncio.open_connection(host, int(port))
        try:
            await asyncio.gather(there(reader, far_writer),
                                 back(far_reader, writer, milliseconds / 1000))
        except ConnectionError:
            pass  # the one end or the other is gone: so is the connection
        finally:
            writer.close()
            far_writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]), sys.argv[2]))

"""Stands before a node's sshd and has every byte arrive later: ``far.py PORT SECONDS``.

Each way takes half of the seconds, so that they are the round trip's.
"""

import asyncio
import sys

PORT, SECONDS = int(sys.argv[1]), float(sys.argv[2])


async def carry(source, target):
    """Carry what comes, in its order, each piece after the time of one way."""
    queue = asyncio.Queue()
    loop = asyncio.get_running_loop()

    async def deliver():
        while True:
            due, data = await queue.get()
            await asyncio.sleep(due - loop.time())
            if not data:
                target.write_eof()
                return
            target.write(data)
            await target.drain()

    delivering = asyncio.create_task(deliver())
    while True:
        data = await source.read(65536)
        queue.put_nowait((loop.time() + SECONDS / 2, data))
        if not data:
            break
    await delivering


async def relay(reader, writer):
    there, back = await asyncio.open_connection("127.0.0.1", 22)
    await asyncio.gather(carry(reader, back), carry(there, writer), return_exceptions=True)
    writer.close()
    back.close()


async def main():
    server = await asyncio.start_server(relay, "0.0.0.0", PORT)
    await server.serve_forever()


asyncio.run(main())

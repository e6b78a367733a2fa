"""An HTTP endpoint that holds every request until it is told to answer them all."""

import asyncio
import json
import threading


class SlowEndpoint:
    """Serves on a loopback port in a thread of its own; `waiting` counts the requests that it holds."""

    def __init__(self):
        self.waiting = self.answered = 0
        self.started = threading.Event()
        self.thread = threading.Thread(target=lambda: asyncio.run(self.serve()), daemon=True)
        self.thread.start()
        self.started.wait()

    async def serve(self):
        self.loop = asyncio.get_running_loop()
        self.gate, self.over = asyncio.Event(), asyncio.Event()
        server = await asyncio.start_server(self.answer, "127.0.0.1", 0, backlog=2048)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/slow"
        self.started.set()
        await self.over.wait()
        server.close()

    async def hold(self, reader):
        """False when the caller hung up meanwhile."""
        self.waiting += 1
        gate, hung_up = asyncio.create_task(self.gate.wait()), asyncio.create_task(reader.read(1))
        await asyncio.wait({gate, hung_up}, return_when=asyncio.FIRST_COMPLETED)
        self.waiting -= 1
        held = gate.done() and not hung_up.done()
        gate.cancel()
        hung_up.cancel()
        await asyncio.gather(gate, hung_up, return_exceptions=True)
        return held

    async def answer(self, reader, writer):
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                if not await self.hold(reader):
                    return
                body = json.dumps({"value": 1}).encode()
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
                await writer.drain()
                self.answered += 1
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass
        finally:
            writer.close()

    def release(self):
        self.loop.call_soon_threadsafe(self.gate.set)

    def end(self):
        self.release()
        self.loop.call_soon_threadsafe(self.over.set)
        self.thread.join(60)

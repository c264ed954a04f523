"""Stands between the programs and PostgreSQL: passes bytes on, stalls them, loses answers, cuts.

Each program has a socket folder of its own, so that one of them can be cut off. What was on its way
when a stall ends is delivered, late, also when the program that sent it has given up.
"""
import asyncio
import contextlib
import pathlib
import threading

SOCKET = ".s.PGSQL.5432"
CHUNK_BYTES = 65536
CALL_SECONDS = 60


class Line:
    """The connections of one program."""

    def __init__(self, folder, target):
        self.folder = pathlib.Path(folder)
        self.target = str(pathlib.Path(target) / SOCKET)
        self.passing = asyncio.Event()
        self.passing.set()
        self.loses_answers = False
        self.loses_from = None
        self.refuses = False
        self.writers = set()
        self.server = None

    async def listen(self):
        self.folder.mkdir(mode=0o755, exist_ok=True)
        self.server = await asyncio.start_unix_server(self.serve, path=str(self.folder / SOCKET))

    async def serve(self, reader, writer):
        if self.refuses:
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await asyncio.open_unix_connection(self.target)
        except OSError:
            writer.transport.abort()
            return
        ends = {writer, far_writer}
        if self.refuses:  # since it was asked above
            for end in ends:
                end.transport.abort()
            return
        self.writers |= ends
        pumps = [asyncio.ensure_future(self.pump(reader, far_writer, False)),
                 asyncio.ensure_future(self.pump(far_reader, writer, True))]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            self.writers -= ends
            for end in ends:
                end.transport.abort()

    async def pump(self, reader, writer, answers):
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK_BYTES):
                await self.passing.wait()
                if answers and self.loses_from is not None and self.loses_from in data:
                    self.loses_answers = True
                if not (answers and self.loses_answers):
                    writer.write(data)
                    await writer.drain()

    def cut(self):
        for writer in list(self.writers):
            writer.transport.abort()


class DatabaseProxy:
    """All lines, on one event loop in a thread of its own. The methods may be called from any."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self.lines = {}
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

    def call(self, function):
        async def run():
            return function()
        return asyncio.run_coroutine_threadsafe(run(), self.loop).result(CALL_SECONDS)

    def add(self, name, folder, target):
        line = Line(folder, target)
        self.lines[name] = line
        asyncio.run_coroutine_threadsafe(line.listen(), self.loop).result(CALL_SECONDS)

    def cut(self, name):
        self.call(self.lines[name].cut)

    def stall(self, name):
        self.call(self.lines[name].passing.clear)

    def go_on(self, name):
        """Ends whatever is done to this line."""
        line = self.lines[name]
        line.loses_answers = False
        line.loses_from = None
        line.refuses = False
        self.call(line.passing.set)

    def lose_answers(self, name):
        self.lines[name].loses_answers = True

    def lose_answers_from(self, name, text):
        """The first answer that holds this text is lost, and all that come after it."""
        self.lines[name].loses_from = text.encode()

    def refuse(self, name):
        self.lines[name].refuses = True
        self.cut(name)

    async def end_tasks(self):
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def stop(self):
        asyncio.run_coroutine_threadsafe(self.end_tasks(), self.loop).result(CALL_SECONDS)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(CALL_SECONDS)

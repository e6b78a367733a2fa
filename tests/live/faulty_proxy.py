"""A gRPC proxy between the worker and the real server that fails on request.

A rule is a function (call, request) -> fault; the first fault that a rule gives is what happens. Faults:

    Refuse(code, text)   the server never sees the request
    Lose(code, text)     the server does its work, its answer is lost
    Change(function)     the answer's bytes pass through a function
    Hold(event)          the request waits for a threading.Event first
"""

import asyncio
import collections
import dataclasses
import threading
import typing

import grpc

SKIPPED = ("user-agent", "grpc-", "content-type", "te", "accept-encoding")


@dataclasses.dataclass
class Refuse:
    code: grpc.StatusCode
    text: str = "refused by the test"


@dataclasses.dataclass
class Lose:
    code: grpc.StatusCode
    text: str = "lost by the test"


@dataclasses.dataclass
class Change:
    function: typing.Callable[[bytes], bytes]


@dataclasses.dataclass
class Hold:
    event: threading.Event


class FaultyProxy(grpc.GenericRpcHandler):
    """Serves on a loopback port in a thread of its own. `calls` keeps every request by the call's name."""

    def __init__(self, target):
        self.target, self.rules, self.calls = target, [], collections.defaultdict(list)
        self.started, self.over = threading.Event(), None
        self.thread = threading.Thread(target=lambda: asyncio.run(self.serve()), daemon=True)
        self.thread.start()
        self.started.wait()

    async def serve(self):
        limits = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
        self.loop, self.over = asyncio.get_running_loop(), asyncio.Event()
        self.channel = grpc.aio.insecure_channel(self.target, options=limits)
        server = grpc.aio.server(options=limits)
        server.add_generic_rpc_handlers((self,))
        self.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
        await server.start()
        self.started.set()
        await self.over.wait()
        await server.stop(0)
        await self.channel.close()

    def service(self, details):
        async def forward(request, context):
            return await self.forward(details.method, request, context)

        return grpc.unary_unary_rpc_method_handler(forward)

    async def forward(self, method, request, context):
        name = method.rsplit("/", 1)[1]
        self.calls[name].append(request)
        fault = next((f for f in (rule(name, request) for rule in self.rules) if f), None)
        if isinstance(fault, Refuse):
            await context.abort(fault.code, fault.text)
        if isinstance(fault, Hold):
            while not fault.event.is_set():
                await asyncio.sleep(0.02)
        reply = await self.ask(method, request, context)
        if isinstance(fault, Lose):
            await context.abort(fault.code, fault.text)
        return fault.function(reply) if isinstance(fault, Change) else reply

    async def ask(self, method, request, context):
        metadata = [(k, v) for k, v in context.invocation_metadata() if not k.startswith(SKIPPED)]
        try:
            return await self.channel.unary_unary(method)(request, metadata=metadata, timeout=context.time_remaining())
        except grpc.aio.AioRpcError as error:
            await context.abort(error.code(), error.details(), tuple(error.trailing_metadata() or ()))

    def end(self):
        self.loop.call_soon_threadsafe(self.over.set)
        self.thread.join(60)


def times(count, name, fault):
    """A rule: the first `count` calls of this name have the fault."""
    left = [count]

    def rule(called, _):
        if called != name or not left[0]:
            return None
        left[0] -= 1
        return fault

    return rule

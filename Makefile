# The doors a newcomer uses. Each does all its own set-up; a second run is quick and changes nothing.
.PHONY: help build demo test check bench soak logs-worker install clean

help:            ## what there is
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:[^#]*## */\t/' | expand -t 13

build:           ## the binary: build/release/signalroom
	@tools/setup
	@cmake -S . -B build/release -G Ninja >build/configure.log || { cat build/configure.log; exit 1; }
	@ninja -C build/release --quiet signalroom

demo: build      ## the main job end to end, on real parts: a vendor's numbers through a durable workflow into Postgres
	@tools/demo/run

test:            ## every test
	@tools/setup --test
	@tests/run

check:           ## lint, formats and sanitizers only
	@tools/setup --test
	@tests/run lint sanitize

bench: build     ## side by side with the Go SDK, the Python SDK and dlt
	@tools/setup --test --bench
	@bench/run

soak: build      ## what takes longer than make test allows
	@tools/setup --test
	@tests/soak

logs-worker:     ## the log of the worker that `signalroom dev` runs, as it grows
	@build/release/signalroom logs --follow $(ARGS)

install: build   ## into PREFIX, /usr/local unless set
	@cmake --install build/release --prefix "$${PREFIX:-/usr/local}"

clean:           ## all that was built
	@rm -rf build

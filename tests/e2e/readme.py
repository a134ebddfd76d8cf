#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""The README's snippets, run: readme.py README SDK FOLDER prints "LANGUAGE ok" for each, or what was wrong.

Each is completed by a program that opens a TCP socket, calls it and prints what HOPSPAN_CONTEXT says afterwards.
"""
import os
import re
import subprocess
import sys

TRACE_ID, SPAN_ID = bytes(range(0x10, 0x20)), bytes(range(0x20, 0x28))
WANTED = (bytes((1, 1)) + bytes(6) + TRACE_ID + SPAN_ID).hex()

C = """
#include <stdio.h>
int main(void)
{
	uint8_t trace_id[16], span_id[8], value[32];
	int fd = socket(AF_INET6, SOCK_STREAM, 0);
	socklen_t len = sizeof value;

	for (int i = 0; i < 16; i++)
		trace_id[i] = 0x10 + i;
	for (int i = 0; i < 8; i++)
		span_id[i] = 0x20 + i;
	if (request_begin(fd, trace_id, span_id) || getsockopt(fd, SOL_HOPSPAN, HOPSPAN_CONTEXT, value, &len))
		return 1;
	for (int i = 0; i < 32; i++)
		printf("%02x", value[i]);
	return 0;
}
"""

GO_HEAD = """package main

import (
	"fmt"
	"net"
	"unsafe"
)
"""

GO = """
func main() {
	var traceID [16]byte
	var spanID [8]byte
	for i := range traceID {
		traceID[i] = byte(0x10 + i)
	}
	for i := range spanID {
		spanID[i] = byte(0x20 + i)
	}
	listener, err := net.Listen("tcp6", "[::1]:0")
	if err != nil {
		panic(err)
	}
	connection, err := net.Dial("tcp6", listener.Addr().String())
	if err != nil {
		panic(err)
	}
	tcp := connection.(*net.TCPConn)
	if err := requestBegin(tcp, traceID, spanID); err != nil {
		panic(err)
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		panic(err)
	}
	raw.Control(func(fd uintptr) {
		value, size := [32]byte{}, uint32(32)
		_, _, failed := syscall.Syscall6(syscall.SYS_GETSOCKOPT, fd, 0x6873, 1, uintptr(unsafe.Pointer(&value)),
			uintptr(unsafe.Pointer(&size)), 0)
		if failed != 0 {
			panic(failed)
		}
		fmt.Printf("%x", value)
	})
}
"""

PYTHON = """
import http.server
import threading
import urllib.request

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator


class Ids(IdGenerator):
    def generate_trace_id(self):
        return int.from_bytes(bytes(range(0x10, 0x20)), "big")

    def generate_span_id(self):
        return int.from_bytes(bytes(range(0x20, 0x28)), "big")


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


class Server(http.server.HTTPServer):
    address_family = 10


seen = []
connect = http.client.HTTPConnection.endheaders
def endheaders(self, *args, **kwargs):
    out = connect(self, *args, **kwargs)
    seen.append(self.sock.getsockopt(0x6873, 1, 32).hex())
    return out
http.client.HTTPConnection.endheaders = endheaders

server = Server(("::1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
trace.set_tracer_provider(TracerProvider(id_generator=Ids()))
with trace.get_tracer("readme").start_as_current_span("GET", kind=trace.SpanKind.CLIENT):
    urllib.request.urlopen(f"http://[::1]:{server.server_port}/").read()
print(seen[-1])
"""


def run(*command, **more):
    done = subprocess.run(command, capture_output=True, text=True, **more)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: status {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout.strip()


def write(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w") as file:
        file.write(text)
    return path


def try_c(snippet, sdk, folder):
    source = write(folder, "readme.c", snippet + C)
    run("cc", "-Wall", "-Wextra", "-Werror", "-I", sdk, "-o", source[:-2], source)
    return run(source[:-2])


def try_python(snippet, sdk, folder):
    source = write(folder, "snippet.py", snippet + PYTHON)
    return run(sys.executable, source, env=os.environ | {"PYTHONPATH": os.path.join(sdk, "python")})


def try_go(snippet, _sdk, folder):
    source = write(folder, "readme.go", GO_HEAD + snippet + GO)
    cache = os.path.join(folder, "cache")
    run("go", "build", "-o", source[:-3], source, env=os.environ | {"GOCACHE": cache, "GO111MODULE": "off",
                                                                     "GOFLAGS": "", "GOPATH": folder})
    return run(source[:-3])


def main(readme, sdk, folder):
    text = open(readme).read()
    failed = 0
    for language, attempt in (("c", try_c), ("python", try_python), ("go", try_go)):
        snippets = re.findall(rf"^```{language}\n(.*?)^```", text, re.S | re.M)
        if language == "go" and subprocess.run(["which", "go"], capture_output=True).returncode:
            print("go is not installed: its snippet was not run")
            continue
        if len(snippets) != 1:
            print(f"{language}: {len(snippets)} snippets in the README")
            failed = 1
            continue
        try:
            saw = attempt(snippets[0], sdk, folder)
        except RuntimeError as error:
            saw = str(error)
        print(f"{language} ok" if saw == WANTED else f"{language}: wanted {WANTED}, saw {saw}")
        failed |= saw != WANTED
    return failed


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

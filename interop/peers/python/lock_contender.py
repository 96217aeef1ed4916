"""Holds kazoo's lock on a path while it is told to: says `held <token>` and releases on `release`.

    lock_contender.py HOST:PORT PATH
"""
import sys

from kazoo.client import KazooClient

address, path = sys.argv[1:]
client = KazooClient(hosts=address)
client.start()
lock = client.Lock(path, "python")
for line in sys.stdin:
    command = line.strip()
    if command == "acquire":
        lock.acquire()
        print("held", flush=True)
    elif command == "try":
        print("held" if lock.acquire(blocking=False) else "busy", flush=True)
    elif command == "release":
        lock.release()
        print("released", flush=True)
    elif command == "end":
        break
client.stop()
client.close()

"""Does with kazoo what its users do, against one fresh server, and writes down what happened.

Lines are equal for servers that behave alike: no times, no session ids. A line "ASK restart" asks
the test to restart the server; a line on standard input says that it has.

    python client_transcript.py HOST:PORT [TOPIC]
"""

import socket
import struct
import sys
import threading

from kazoo.client import KazooClient, KazooState
from kazoo.exceptions import CancelledError, KazooException, LockTimeout
from kazoo.protocol.states import Callback
from kazoo.security import ACL, Id, Permissions, make_acl, make_digest_acl

WAIT_SECONDS = 60
ADDRESS = sys.argv[1]


class Transcript:
    def __init__(self, topic):
        self.topic = topic

    def say(self, line):
        sys.stdout.write("%s: %s\n" % (self.topic, line))
        sys.stdout.flush()

    def check(self, what, call, *args, **kwargs):
        """Runs a call and writes its result, or the name of the error it ended with."""
        try:
            outcome = show(call(*args, **kwargs))
        except (KazooException, CancelledError, ValueError, TypeError) as error:
            outcome = type(error).__name__
        self.say("%s -> %s" % (what, outcome))

    def watcher(self, name):
        def on_event(event):
            if event.type != "NONE":
                self.say("%s sees %s/%s %s" % (name, event.state, event.type, event.path))

        return on_event


def show(value):
    if isinstance(value, bytes):
        return repr(value)[1:] if len(value) < 100 else "%d bytes" % len(value)
    if hasattr(value, "czxid"):
        return "c%d m%d p%d v%d cv%d av%d%s len%d n%d" % (
            value.czxid,
            value.mzxid,
            value.pzxid,
            value.version,
            value.cversion,
            value.aversion,
            " ephemeral" if value.ephemeralOwner else "",
            value.dataLength,
            value.numChildren,
        )
    if isinstance(value, ACL):
        return "%d %s %s" % (value.perms, value.id.scheme, value.id.id)
    if isinstance(value, tuple):
        return "(" + ", ".join(show(part) for part in value) + ")"
    if isinstance(value, list):
        parts = [show(part) for part in value]
        names = all(isinstance(part, str) for part in value)
        return "[" + ", ".join(sorted(parts) if names else parts) + "]"
    if isinstance(value, Exception):
        return type(value).__name__
    return str(value)


def connect(**options):
    client = KazooClient(hosts=ADDRESS, timeout=options.pop("timeout", 20), **options)
    client.start(WAIT_SECONDS)
    return client


def settle(client):
    """Returns after every event that was sent before now has reached its watcher.

    kazoo runs watchers and the callbacks of answers in a thread each, so an answer that came after
    an event says only that the event is in the watchers' queue: the mark goes into that queue, too.
    """
    client.exists("/")
    passed = threading.Event()
    client.handler.dispatch_callback(Callback("watch", passed.set, ()))
    wait(passed)


def wait(event):
    if not event.wait(WAIT_SECONDS):
        raise RuntimeError("waited %d s in vain" % WAIT_SECONDS)


def ask_test(request):
    sys.stdout.write("ASK %s\n" % request)
    sys.stdout.flush()
    sys.stdin.readline()


def nodes():
    log = Transcript("nodes")
    zk = connect()
    log.check("server version", lambda: len(zk.server_version()) >= 2)
    log.check("fresh", zk.get_children, "/")
    log.check("ensure path", zk.ensure_path, "/n/a/b")
    log.check("create", zk.create, "/n/plain", b"x")
    log.check("create with data", zk.create, "/n/data", b"x", include_data=True)
    log.check("ephemeral", zk.create, "/n/ephemeral", b"", ephemeral=True)
    log.check("sequence", zk.create, "/n/s-", b"", sequence=True)
    log.check("ephemeral sequence", zk.create, "/n/e-", b"", ephemeral=True, sequence=True)
    log.check("with parents", zk.create, "/n/deep/er/node", b"", makepath=True)
    log.check("get", zk.get, "/n/plain")
    log.check("set", zk.set, "/n/plain", b"y")
    log.check("set wrong version", zk.set, "/n/plain", b"z", version=7)
    log.check("get again", zk.get, "/n/plain")
    log.check("exists", zk.exists, "/n/plain")
    log.check("does not", zk.exists, "/n/none")
    log.check("children", zk.get_children, "/n")
    log.check("children with stat", zk.get_children, "/n", include_data=True)
    log.check("large", zk.create, "/n/large", b"l" * 1_000_000)
    log.check("get large", lambda: zk.get("/n/large")[0])
    log.check("create again", zk.create, "/n/plain", b"")
    log.check("create below nothing", zk.create, "/none/a", b"")
    log.check("create below ephemeral", zk.create, "/n/ephemeral/a", b"")
    log.check("get nothing", zk.get, "/none")
    log.check("delete with children", zk.delete, "/n/a")
    log.check("delete recursively", zk.delete, "/n/a", recursive=True)
    log.check("delete wrong version", zk.delete, "/n/plain", version=9)
    log.check("delete", zk.delete, "/n/plain")
    log.check("sync", zk.sync, "/n")
    log.check("server is", zk.command, b"ruok")
    zk.stop()
    zk.close()
    later = connect()
    log.check("children after the session", later.get_children, "/n")
    later.stop()
    later.close()


def transactions():
    log = Transcript("transactions")
    zk = connect()
    zk.create("/t", b"")
    good = zk.transaction()
    good.create("/t/a", b"1")
    good.set_data("/t/a", b"2", version=0)
    good.check("/t/a", version=1)
    good.create("/t/s-", b"", sequence=True, ephemeral=True)
    good.delete("/t/a")
    log.check("good", good.commit)
    bad = zk.transaction()
    bad.create("/t/b", b"")
    bad.check("/t", version=5)
    bad.delete("/t/b")
    log.check("bad", bad.commit)
    log.check("children", zk.get_children, "/t")
    zk.stop()
    zk.close()


def watches():
    log = Transcript("watches")
    watching, writer = connect(), connect()
    writer.create("/w", b"")

    def change(what, call, *args):
        log.say(what + " " + args[0])
        call(*args)
        settle(watching)

    watching.exists("/w/a", watch=log.watcher("exists"))
    watching.get_children("/w", watch=log.watcher("children"))
    change("create", writer.create, "/w/a", b"")
    watching.get("/w/a", watch=log.watcher("data"))
    change("set", writer.set, "/w/a", b"1")
    change("set", writer.set, "/w/a", b"2")
    watching.get("/w/a", watch=log.watcher("data"))
    change("delete", writer.delete, "/w/a")
    seen = threading.Semaphore(0)

    @watching.DataWatch("/w/recipe")
    def on_data(data, stat):
        log.say("recipe has %s" % show(data))
        seen.release()

    seen.acquire(timeout=WAIT_SECONDS)
    writer.create("/w/recipe", b"one")
    seen.acquire(timeout=WAIT_SECONDS)
    writer.set("/w/recipe", b"two")
    seen.acquire(timeout=WAIT_SECONDS)
    listed = threading.Semaphore(0)

    @watching.ChildrenWatch("/w")
    def on_children(children):
        log.say("recipe lists %s" % show(children))
        listed.release()

    listed.acquire(timeout=WAIT_SECONDS)
    for name in ("/w/one", "/w/two"):
        writer.create(name, b"")
        listed.acquire(timeout=WAIT_SECONDS)
    for client in (writer, watching):
        client.stop()
        client.close()


def access():
    log = Transcript("access")
    owner = connect(auth_data=[("digest", "alice:secret")])
    other = connect()
    owner.create("/acl", b"")
    mine = make_digest_acl("alice", "secret", all=True)
    log.check("mine", owner.create, "/acl/mine", b"s", acl=[mine])
    log.check("owner reads", owner.get, "/acl/mine")
    log.check("owner sees the list", owner.get_acls, "/acl/mine")
    log.check("other reads", other.get, "/acl/mine")
    log.check("other sees the list", other.get_acls, "/acl/mine")
    log.check("other writes", other.set, "/acl/mine", b"")
    log.check("auth", owner.create, "/acl/auth", b"", acl=[make_acl("auth", "", all=True)])
    log.check("auth became", owner.get_acls, "/acl/auth")
    read_only = [ACL(Permissions.READ, Id("world", "anyone"))]
    log.check("set list", owner.set_acls, "/acl/auth", read_only)
    log.check("wrong version", owner.set_acls, "/acl/auth", read_only, version=8)
    log.check("read only", other.set, "/acl/auth", b"")
    log.check("invalid", owner.create, "/acl/bad", b"", acl=[make_acl("digest", "x", all=True)])
    log.check("empty", owner.create, "/acl/bad", b"", acl=[])
    other.add_auth("digest", "alice:secret")
    log.check("other knows the secret", other.get, "/acl/mine")
    for client in (owner, other):
        client.stop()
        client.close()


def lock():
    log = Transcript("lock")
    first, second = connect(), connect()
    holder = first.Lock("/lock", "first")
    waiter = second.Lock("/lock", "second")
    log.check("first", holder.acquire)
    log.check("second at once", waiter.acquire, blocking=False)
    log.check("second in a while", waiter.acquire, timeout=0.2)
    taken = threading.Event()

    def acquire():
        waiter.acquire()
        taken.set()

    thread = threading.Thread(target=acquire)
    thread.start()
    while len(first.get_children("/lock")) < 2:
        pass
    log.check("contenders", holder.contenders)
    log.check("release", holder.release)
    wait(taken)
    log.say("second has it")
    thread.join()
    log.check("contenders", waiter.contenders)
    log.check("release", waiter.release)
    read, write = first.ReadLock("/rw"), second.WriteLock("/rw")
    log.check("read", read.acquire)
    log.check("write at once", write.acquire, blocking=False)
    log.check("read release", read.release)
    log.check("write", write.acquire)
    log.check("write release", write.release)
    semaphore = first.Semaphore("/semaphore", max_leases=1)
    log.check("lease", semaphore.acquire)
    log.check("no second lease", second.Semaphore("/semaphore", max_leases=1).acquire, blocking=False)
    log.check("lease back", semaphore.release)
    for client in (first, second):
        client.stop()
        client.close()


def election():
    log = Transcript("election")
    clients = [connect(), connect()]
    elections = [client.Election("/election", name) for client, name in zip(clients, "ab")]
    leading = [threading.Event(), threading.Event()]
    finish = [threading.Event(), threading.Event()]
    threads = []
    for index, election_here in enumerate(elections):

        def lead(index=index):
            log.say("%s leads" % "ab"[index])
            leading[index].set()
            wait(finish[index])

        thread = threading.Thread(target=election_here.run, args=(lead,))
        thread.start()
        threads.append(thread)
        while len(elections[0].contenders()) < index + 1:
            pass
        if index == 0:
            wait(leading[0])
    log.check("contenders", elections[0].contenders)
    finish[0].set()
    wait(leading[1])
    log.check("contenders", elections[1].contenders)
    finish[1].set()
    for thread in threads:
        thread.join()
    for client in clients:
        client.stop()
        client.close()


def recipes():
    log = Transcript("recipes")
    zk = connect()
    queue = zk.Queue("/queue")
    for item in (b"one", b"two", b"three"):
        queue.put(item)
    log.check("length", len, queue)
    log.check("get", queue.get)
    log.check("get", queue.get)
    counter = zk.Counter("/counter")
    counter += 5
    counter -= 2
    log.check("counter", lambda: counter.value)
    party = zk.Party("/party", "me")
    party.join()
    log.check("party", lambda: list(party))
    party.leave()
    barrier = zk.Barrier("/barrier")
    barrier.create()
    log.check("barrier", barrier.wait, timeout=0.1)
    barrier.remove()
    log.check("barrier", barrier.wait, timeout=5)
    zk.stop()
    zk.close()


def expiry():
    log = Transcript("expiry")
    lost = threading.Event()
    victim = connect(timeout=10)
    victim.add_listener(lambda state: lost.set() if state == KazooState.LOST else None)
    observer = connect()
    victim.create("/expiring", b"", ephemeral=True)
    gone = threading.Event()
    on_event = log.watcher("observer")
    observer.exists("/expiring", watch=lambda event: (on_event(event), gone.set()))
    answered = close_session(*victim.client_id)
    wait(gone)
    wait(lost)
    log.say("the session's close was answered %s" % answered)
    # kazoo goes on with a new session by itself.
    log.check("afterwards", victim.retry, victim.exists, "/expiring")
    for client in (victim, observer):
        client.stop()
        client.close()


def close_session(session_id, password):
    """Takes the session over and closes it in one write, before its owner can come back."""
    host, port = ADDRESS.split(":")
    connect_request = struct.pack("!iqiqi16s?", 0, 0, 10000, session_id, 16, password, False)
    close_request = struct.pack("!ii", 1, -11)
    with socket.create_connection((host, int(port)), WAIT_SECONDS) as connection:
        for payload in (connect_request, close_request):
            connection.sendall(struct.pack("!i", len(payload)) + payload)
        answer = b""
        while True:
            chunk = connection.recv(4096)
            if not chunk:
                return len(answer) == 4 + 37 + 4 + 16
            answer += chunk


def restart():
    log = Transcript("restart")
    zk = connect(timeout=30)
    zk.create("/restart", b"")
    zk.create("/restart/ephemeral", b"e", ephemeral=True)
    session = zk.client_id[0]
    suspended, connected = threading.Event(), threading.Event()

    def on_state(state):
        if state == KazooState.SUSPENDED:
            suspended.set()
        elif state == KazooState.CONNECTED:
            connected.set()

    zk.add_listener(on_state)
    ask_test("restart")
    wait(suspended)
    wait(connected)
    log.say("same session %s" % (session == zk.client_id[0]))
    log.check("ephemeral lives", zk.retry, zk.get, "/restart/ephemeral")
    log.check("write", zk.create, "/restart/later", b"")
    zk.stop()
    zk.close()


TOPICS = [
    nodes,
    transactions,
    watches,
    access,
    lock,
    election,
    recipes,
    expiry,
    restart,
]

for topic in TOPICS:
    if len(sys.argv) > 2 and topic.__name__ != sys.argv[2]:
        continue
    try:
        topic()
    except (Exception, LockTimeout) as error:  # noqa: BLE001
        sys.stdout.write("%s: FAILED %r\n" % (topic.__name__, error))

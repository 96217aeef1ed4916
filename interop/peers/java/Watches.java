import static org.apache.zookeeper.ZooDefs.Ids.OPEN_ACL_UNSAFE;

import java.util.Arrays;
import org.apache.zookeeper.AddWatchMode;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.Op;
import org.apache.zookeeper.Watcher;
import org.apache.zookeeper.ZooKeeper;

/** Watches of every kind: what each sees when another client changes things, and how they end. */
final class Watches {
    private Watches() {
    }

    static void run(String servers) throws Exception {
        Transcript log = new Transcript("watches");
        ZooKeeper watching = Transcript.connect(servers, 20_000);
        ZooKeeper writer = Transcript.connect(servers, 20_000);
        Changes changes = new Changes(log, watching, writer);
        writer.create("/w", null, OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);

        log.say("-- one-shot");
        watching.exists("/w/a", log.watcher("exists"));
        watching.getChildren("/w", log.watcher("children"));
        changes.create("/w/a");
        watching.getData("/w/a", log.watcher("data"), null);
        changes.set("/w/a");
        changes.set("/w/a");
        watching.getData("/w/a", log.watcher("data"), null);
        watching.getChildren("/w/a", log.watcher("own children"));
        watching.getChildren("/w", log.watcher("children"));
        changes.delete("/w/a");
        changes.create("/w/a");
        changes.delete("/w/a");

        log.say("-- persistent");
        watching.addWatch("/w/p", log.watcher("persistent"), AddWatchMode.PERSISTENT);
        changes.create("/w/p");
        changes.set("/w/p");
        changes.create("/w/p/k");
        changes.set("/w/p/k");
        changes.delete("/w/p/k");
        changes.delete("/w/p");
        changes.create("/w/p");

        log.say("-- recursive");
        watching.addWatch("/w/r", log.watcher("recursive"), AddWatchMode.PERSISTENT_RECURSIVE);
        changes.create("/w/r");
        changes.create("/w/r/k");
        changes.create("/w/r/k/z");
        changes.set("/w/r/k/z");
        watching.getChildren("/w/r/k", log.watcher("children inside recursive"));
        changes.delete("/w/r/k/z");
        changes.delete("/w/r/k");
        changes.set("/w/r");

        log.say("-- a transaction");
        writer.multi(Arrays.asList(
            Op.create("/w/r/m", null, OPEN_ACL_UNSAFE, CreateMode.PERSISTENT),
            Op.setData("/w/r/m", Transcript.bytes("x"), -1),
            Op.setData("/w/r", Transcript.bytes("y"), -1),
            Op.delete("/w/r/m", -1)));
        changes.settle();

        log.say("-- the end of a session");
        ZooKeeper leaving = Transcript.connect(servers, 20_000);
        leaving.create("/w/r/ephemeral", null, OPEN_ACL_UNSAFE, CreateMode.EPHEMERAL);
        changes.settle();
        leaving.close();
        changes.settle();
        writer.close();
        watching.close();
    }

    static void removal(String servers) throws Exception {
        Transcript log = new Transcript("removal");
        ZooKeeper watching = Transcript.connect(servers, 20_000);
        ZooKeeper writer = Transcript.connect(servers, 20_000);
        Changes changes = new Changes(log, watching, writer);
        writer.create("/v", null, OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
        Watcher data = log.watcher("data");
        Watcher children = log.watcher("children");
        Watcher persistent = log.watcher("persistent");
        Watcher recursive = log.watcher("recursive");

        log.check("remove what is not there", () -> remove(watching, "/v", data, Watcher.WatcherType.Data));
        watching.getData("/v", data, null);
        watching.getChildren("/v", children);
        log.check("remove data", () -> remove(watching, "/v", data, Watcher.WatcherType.Data));
        changes.set("/v");
        changes.create("/v/a");
        watching.getData("/v", data, null);
        watching.getChildren("/v", children);
        watching.addWatch("/v", persistent, AddWatchMode.PERSISTENT);
        watching.addWatch("/v", recursive, AddWatchMode.PERSISTENT_RECURSIVE);
        changes.create("/v/b");
        watching.getChildren("/v", children);
        log.check("remove persistent",
            () -> remove(watching, "/v", persistent, Watcher.WatcherType.Persistent));
        changes.set("/v");
        log.check("remove recursive",
            () -> remove(watching, "/v", recursive, Watcher.WatcherType.PersistentRecursive));
        changes.create("/v/c");
        watching.getData("/v", data, null);
        watching.getChildren("/v", children);
        watching.addWatch("/v", recursive, AddWatchMode.PERSISTENT_RECURSIVE);
        log.check("remove all", () -> {
            watching.removeAllWatches("/v", Watcher.WatcherType.Any, false);
            Transcript.settle(watching);
            return "ok";
        });
        changes.set("/v");
        changes.create("/v/d");
        writer.close();
        watching.close();
    }

    private static String remove(ZooKeeper zk, String path, Watcher watcher, Watcher.WatcherType type)
        throws Exception {
        zk.removeWatches(path, watcher, type, false);
        Transcript.settle(zk);
        return "ok";
    }

    /** Changes by one client, each followed by all that the watching client has to say about it. */
    private static final class Changes {
        private final Transcript log;
        private final ZooKeeper watching;
        private final ZooKeeper writer;

        Changes(Transcript log, ZooKeeper watching, ZooKeeper writer) {
            this.log = log;
            this.watching = watching;
            this.writer = writer;
        }

        void create(String path) throws Exception {
            log.say("create " + path);
            writer.create(path, null, OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
            settle();
        }

        void set(String path) throws Exception {
            log.say("set " + path);
            writer.setData(path, Transcript.bytes("new"), -1);
            settle();
        }

        void delete(String path) throws Exception {
            log.say("delete " + path);
            writer.delete(path, -1);
            settle();
        }

        void settle() throws Exception {
            Transcript.settle(watching);
        }
    }
}

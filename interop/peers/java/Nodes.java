import static org.apache.zookeeper.ZooDefs.Ids.OPEN_ACL_UNSAFE;

import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.data.Stat;

/** Creating, reading, changing and deleting nodes of every kind. */
final class Nodes {
    private Nodes() {
    }

    static void run(String servers) throws Exception {
        Transcript log = new Transcript("nodes");
        ZooKeeper zk = Transcript.connect(servers, 20_000);
        log.check("fresh children", () -> zk.getChildren("/", false));
        log.check("fresh stat", () -> zk.exists("/", false));
        log.check("all below root", () -> zk.getAllChildrenNumber("/"));
        zk.create("/n", Transcript.bytes("home"), OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
        for (CreateMode mode : CreateMode.values()) {
            String path = "/n/" + mode.name().toLowerCase();
            Stat stat = new Stat();
            long ttl = mode.isTTL() ? 3_600_000 : -1;
            log.check("create " + mode, () -> zk.create(path, Transcript.bytes("x"),
                OPEN_ACL_UNSAFE, mode, stat, ttl));
            log.check("its stat", () -> stat);
        }
        for (int round = 0; round < 3; round++) {
            log.check("sequential", () -> zk.create("/n/s-", new byte[0], OPEN_ACL_UNSAFE,
                CreateMode.PERSISTENT_SEQUENTIAL));
            log.check("ephemeral sequential", () -> zk.create("/n/e-", null, OPEN_ACL_UNSAFE,
                CreateMode.EPHEMERAL_SEQUENTIAL));
        }
        log.check("children", () -> zk.getChildren("/n", false));
        Stat listed = new Stat();
        log.check("children with stat", () -> zk.getChildren("/n", false, listed));
        log.check("that stat", () -> listed);
        log.check("all below", () -> zk.getAllChildrenNumber("/n"));
        log.check("ephemerals", () -> zk.getEphemerals());
        log.check("ephemerals below", () -> zk.getEphemerals("/n/e-"));
        log.check("set", () -> zk.setData("/n/persistent", Transcript.bytes("one"), -1));
        log.check("set version 1", () -> zk.setData("/n/persistent", Transcript.bytes("two"), 1));
        Stat read = new Stat();
        log.check("get", () -> zk.getData("/n/persistent", false, read));
        log.check("its stat", () -> read);
        log.check("set null", () -> zk.setData("/n/persistent", null, -1));
        log.check("get null", () -> zk.getData("/n/persistent", false, null) == null);
        log.check("unicode", () -> zk.create("/n/Grüße-日本", Transcript.bytes("ü"), OPEN_ACL_UNSAFE,
            CreateMode.PERSISTENT));
        log.check("get unicode", () -> zk.getData("/n/Grüße-日本", false, null));
        byte[] large = new byte[1_000_000];
        log.check("large", () -> zk.create("/n/large", large, OPEN_ACL_UNSAFE, CreateMode.PERSISTENT));
        log.check("get large", () -> zk.getData("/n/large", false, null).length);
        log.check("delete large", () -> {
            zk.delete("/n/large", 0);
            return "ok";
        });
        log.check("exists after", () -> zk.exists("/n/large", false));
        log.check("whoAmI", () -> zk.whoAmI().size());
        log.check("config", () -> zk.getConfig(false, null));
        log.check("sync and read", () -> {
            zk.sync("/n", (code, path, context) -> { }, null);
            return zk.getData("/n", false, null);
        });
        zk.close();
        ZooKeeper later = Transcript.connect(servers, 20_000);
        log.check("children after the session", () -> later.getChildren("/n", false));
        log.check("stat after the session", () -> later.exists("/n", false));
        later.close();
    }

    static void errors(String servers) throws Exception {
        Transcript log = new Transcript("errors");
        ZooKeeper zk = Transcript.connect(servers, 20_000);
        zk.create("/x", null, OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
        zk.create("/x/e", null, OPEN_ACL_UNSAFE, CreateMode.EPHEMERAL);
        log.check("create again", () -> create(zk, "/x"));
        log.check("create below nothing", () -> create(zk, "/nothing/a"));
        log.check("create below ephemeral", () -> create(zk, "/x/e/a"));
        log.check("create bad path", () -> create(zk, "/x//a"));
        log.check("delete with children", () -> delete(zk, "/x", -1));
        log.check("delete wrong version", () -> delete(zk, "/x/e", 7));
        log.check("delete nothing", () -> delete(zk, "/x/none", -1));
        log.check("delete system node", () -> delete(zk, "/zookeeper", -1));
        log.check("get nothing", () -> zk.getData("/x/none", false, null));
        log.check("list nothing", () -> zk.getChildren("/x/none", false));
        log.check("set wrong version", () -> zk.setData("/x", null, 9));
        log.check("set nothing", () -> zk.setData("/x/none", null, -1));
        log.check("acl of nothing", () -> zk.getACL("/x/none", null));
        log.check("count nothing", () -> zk.getAllChildrenNumber("/x/none"));
        log.check("huge ttl", () -> zk.create("/x/ttl", null, OPEN_ACL_UNSAFE,
            CreateMode.PERSISTENT_WITH_TTL, null, 1L << 41));
        log.check("empty acl", () -> zk.create("/x/acl", null, java.util.Collections.emptyList(),
            CreateMode.PERSISTENT));
        zk.close();
        log.check("after close", () -> zk.exists("/x", false));
    }

    private static String create(ZooKeeper zk, String path) throws Exception {
        return zk.create(path, null, OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
    }

    private static String delete(ZooKeeper zk, String path, int version) throws Exception {
        zk.delete(path, version);
        return "ok";
    }
}

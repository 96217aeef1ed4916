import static org.apache.zookeeper.ZooDefs.Ids.ANYONE_ID_UNSAFE;
import static org.apache.zookeeper.ZooDefs.Ids.CREATOR_ALL_ACL;
import static org.apache.zookeeper.ZooDefs.Ids.OPEN_ACL_UNSAFE;
import static org.apache.zookeeper.ZooDefs.Ids.READ_ACL_UNSAFE;

import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.stream.Collectors;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.ZooDefs.Perms;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.data.ACL;
import org.apache.zookeeper.data.Id;
import org.apache.zookeeper.data.Stat;
import org.apache.zookeeper.server.auth.DigestAuthenticationProvider;

/** Access control lists and the identities that pass them. */
final class Access {
    private Access() {
    }

    static void run(String servers) throws Exception {
        Transcript log = new Transcript("access");
        ZooKeeper owner = Transcript.connect(servers, 20_000);
        ZooKeeper other = Transcript.connect(servers, 20_000);
        owner.create("/acl", null, OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
        log.check("creator without identity", () -> owner.create("/acl/mine", null, CREATOR_ALL_ACL,
            CreateMode.PERSISTENT));
        owner.addAuthInfo("digest", Transcript.bytes("alice:secret"));
        log.check("creator", () -> owner.create("/acl/mine", Transcript.bytes("s"), CREATOR_ALL_ACL,
            CreateMode.PERSISTENT));
        log.check("whoAmI", () -> identities(owner));
        log.check("acl for its owner", () -> owner.getACL("/acl/mine", new Stat()));
        log.check("acl for another", () -> other.getACL("/acl/mine", new Stat()));
        log.check("owner reads", () -> owner.getData("/acl/mine", false, null));
        log.check("another reads", () -> other.getData("/acl/mine", false, null));
        log.check("another looks", () -> other.exists("/acl/mine", false));
        log.check("another lists", () -> other.getChildren("/acl/mine", false));
        log.check("another writes", () -> other.setData("/acl/mine", null, -1));
        log.check("another creates below", () -> other.create("/acl/mine/x", null, OPEN_ACL_UNSAFE,
            CreateMode.PERSISTENT));
        log.check("another deletes", () -> {
            other.delete("/acl/mine", -1);
            return "ok";
        });
        log.check("another in a transaction", () -> other.multi(Arrays.asList(
            org.apache.zookeeper.Op.check("/acl", -1),
            org.apache.zookeeper.Op.setData("/acl", null, -1),
            org.apache.zookeeper.Op.create("/acl/none/x", null, OPEN_ACL_UNSAFE,
                CreateMode.PERSISTENT))));

        owner.create("/acl/each", null, OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
        for (int perms : new int[] {Perms.READ, Perms.WRITE, Perms.CREATE, Perms.DELETE, Perms.ADMIN}) {
            String path = "/acl/each/p" + perms;
            owner.create(path, Transcript.bytes("d"), OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
            owner.create(path + "/child", null, OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
            owner.setACL(path, Collections.singletonList(new ACL(perms, ANYONE_ID_UNSAFE)), -1);
            log.check(perms + " get", () -> other.getData(path, false, null));
            log.check(perms + " set", () -> other.setData(path, null, -1));
            log.check(perms + " create", () -> other.create(path + "/new", null, OPEN_ACL_UNSAFE,
                CreateMode.PERSISTENT));
            log.check(perms + " delete", () -> {
                other.delete(path + "/child", -1);
                return "ok";
            });
            log.check(perms + " getACL", () -> other.getACL(path, null));
            log.check(perms + " setACL", () -> other.setACL(path, OPEN_ACL_UNSAFE, -1));
        }

        other.addAuthInfo("digest", Transcript.bytes("bob:b"));
        String bob = DigestAuthenticationProvider.generateDigest("bob:b");
        List<ACL> mixed = Arrays.asList(
            new ACL(Perms.READ, new Id("digest", bob)),
            new ACL(Perms.ALL, new Id("ip", "127.0.0.0/8")),
            new ACL(Perms.READ, new Id("ip", "10.1.2.3")));
        log.check("mixed", () -> owner.create("/acl/mixed", null, mixed, CreateMode.PERSISTENT));
        log.check("mixed acl", () -> other.getACL("/acl/mixed", null));
        log.check("version of the list", () -> owner.setACL("/acl/mixed", READ_ACL_UNSAFE, 5));
        log.check("the right one", () -> owner.setACL("/acl/mixed", READ_ACL_UNSAFE, 0));
        log.check("no way back", () -> owner.setACL("/acl/mixed", OPEN_ACL_UNSAFE, -1));
        owner.addAuthInfo("digest", Transcript.bytes("super:secret"));
        log.check("super may", () -> owner.setACL("/acl/mixed", OPEN_ACL_UNSAFE, -1));
        log.check("super is", () -> identities(owner));
        log.check("invalid id", () -> owner.create("/acl/bad", null,
            Collections.singletonList(new ACL(Perms.ALL, new Id("digest", "no-hash"))),
            CreateMode.PERSISTENT));
        log.check("unknown scheme", () -> owner.create("/acl/bad", null,
            Collections.singletonList(new ACL(Perms.ALL, new Id("nonsense", "x"))),
            CreateMode.PERSISTENT));
        owner.close();
        other.close();

        java.util.concurrent.CountDownLatch refused = new java.util.concurrent.CountDownLatch(1);
        ZooKeeper wrong = Transcript.connect(servers, 20_000, event -> {
            if (event.getState() == org.apache.zookeeper.Watcher.Event.KeeperState.AuthFailed) {
                refused.countDown();
            }
        });
        wrong.addAuthInfo("nonsense", Transcript.bytes("x"));
        Transcript.await(refused);
        log.check("after an unknown scheme", () -> wrong.exists("/", false));
        log.say("state " + wrong.getState());
        wrong.close();
    }

    private static List<String> identities(ZooKeeper zk) throws Exception {
        return zk.whoAmI().stream()
            .map(info -> info.getAuthScheme() + ":" + info.getUser())
            .collect(Collectors.toList());
    }
}

import static org.apache.zookeeper.ZooDefs.Ids.OPEN_ACL_UNSAFE;

import java.util.Arrays;
import java.util.List;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.Op;
import org.apache.zookeeper.OpResult;
import org.apache.zookeeper.ZooKeeper;

/** Several operations as one, and several reads as one. */
final class Transactions {
    private Transactions() {
    }

    static void run(String servers) throws Exception {
        Transcript log = new Transcript("transactions");
        ZooKeeper zk = Transcript.connect(servers, 20_000);
        zk.create("/t", null, OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
        log.check("create, set, check", () -> multi(zk,
            Op.create("/t/a", Transcript.bytes("1"), OPEN_ACL_UNSAFE, CreateMode.PERSISTENT),
            Op.setData("/t/a", Transcript.bytes("2"), 0),
            Op.check("/t/a", 1)));
        log.check("its data", () -> zk.getData("/t/a", false, null));
        log.check("create, delete, create again", () -> multi(zk,
            Op.create("/t/b", null, OPEN_ACL_UNSAFE, CreateMode.PERSISTENT),
            Op.delete("/t/b", -1),
            Op.create("/t/b", null, OPEN_ACL_UNSAFE, CreateMode.EPHEMERAL)));
        log.check("sequential twice", () -> multi(zk,
            Op.create("/t/s-", null, OPEN_ACL_UNSAFE, CreateMode.PERSISTENT_SEQUENTIAL),
            Op.create("/t/s-", null, OPEN_ACL_UNSAFE, CreateMode.EPHEMERAL_SEQUENTIAL)));
        log.check("container and ttl", () -> multi(zk,
            Op.create("/t/container", null, OPEN_ACL_UNSAFE, CreateMode.CONTAINER),
            Op.create("/t/ttl", null, OPEN_ACL_UNSAFE, CreateMode.PERSISTENT_WITH_TTL, 60_000)));
        log.check("second fails", () -> multi(zk,
            Op.setData("/t/a", Transcript.bytes("lost"), -1),
            Op.check("/t/a", 77),
            Op.delete("/t/a", -1)));
        log.check("nothing changed", () -> zk.getData("/t/a", false, null));
        log.check("first fails", () -> multi(zk,
            Op.create("/none/a", null, OPEN_ACL_UNSAFE, CreateMode.PERSISTENT),
            Op.delete("/t/a", -1)));
        log.check("child of an ephemeral of the same", () -> multi(zk,
            Op.create("/t/e", null, OPEN_ACL_UNSAFE, CreateMode.EPHEMERAL),
            Op.create("/t/e/a", null, OPEN_ACL_UNSAFE, CreateMode.PERSISTENT)));
        log.check("empty", () -> multi(zk));
        log.check("read several", () -> multi(zk,
            Op.getData("/t/a"), Op.getChildren("/t"), Op.getData("/t/none"), Op.getChildren("/none")));
        log.check("transaction builder", () -> describe(zk.transaction()
            .create("/t/c", Transcript.bytes("c"), OPEN_ACL_UNSAFE, CreateMode.PERSISTENT)
            .check("/t", 0)
            .setData("/t/c", Transcript.bytes("d"), 0)
            .delete("/t/c", 1)
            .commit()));
        log.check("children", () -> zk.getChildren("/t", false));
        log.check("stat", () -> zk.exists("/t", false));
        zk.close();
    }

    private static String multi(ZooKeeper zk, Op... operations) throws Exception {
        try {
            return describe(zk.multi(Arrays.asList(operations)));
        } catch (KeeperException error) {
            return error.code() + " " + describe(error.getResults());
        }
    }

    private static String describe(List<OpResult> results) {
        StringBuilder text = new StringBuilder();
        if (results == null) {
            return "no results";
        }
        for (OpResult result : results) {
            text.append(text.length() == 0 ? "" : "; ").append(result.getType()).append(' ');
            if (result instanceof OpResult.CreateResult) {
                OpResult.CreateResult created = (OpResult.CreateResult) result;
                text.append(created.getPath());
                if (created.getStat() != null) {
                    text.append(' ').append(Transcript.show(created.getStat()));
                }
            } else if (result instanceof OpResult.SetDataResult) {
                text.append(Transcript.show(((OpResult.SetDataResult) result).getStat()));
            } else if (result instanceof OpResult.GetDataResult) {
                text.append(Transcript.show(((OpResult.GetDataResult) result).getData()));
            } else if (result instanceof OpResult.GetChildrenResult) {
                text.append(Transcript.show(((OpResult.GetChildrenResult) result).getChildren()));
            } else if (result instanceof OpResult.ErrorResult) {
                text.append(((OpResult.ErrorResult) result).getErr());
            } else {
                text.append("ok");
            }
        }
        return text.toString();
    }
}

import static org.apache.zookeeper.ZooDefs.Ids.OPEN_ACL_UNSAFE;

import java.util.Arrays;
import java.util.concurrent.CountDownLatch;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException.Code;
import org.apache.zookeeper.Op;
import org.apache.zookeeper.ZooKeeper;

/** Many requests in flight at once: the answers come in the order of the questions. */
final class Asynchronous {
    private Asynchronous() {
    }

    static void run(String servers) throws Exception {
        Transcript log = new Transcript("asynchronous");
        ZooKeeper zk = Transcript.connect(servers, 20_000);
        CountDownLatch done = new CountDownLatch(1);
        zk.create("/async", Transcript.bytes("0"), OPEN_ACL_UNSAFE, CreateMode.PERSISTENT,
            (code, path, context, name, stat) -> log.say("create " + Code.get(code) + " " + name
                + " " + Transcript.show(stat)), null);
        for (int round = 0; round < 5; round++) {
            int version = round;
            zk.setData("/async", Transcript.bytes("v" + round), round % 2 == 0 ? version : -1,
                (code, path, context, stat) -> log.say("set " + version + " " + Code.get(code)), null);
            zk.getData("/async", false,
                (code, path, context, data, stat) -> log.say("get " + Code.get(code) + " "
                    + Transcript.show(data) + " v" + stat.getVersion()), null);
            zk.create("/async/s-", null, OPEN_ACL_UNSAFE, CreateMode.EPHEMERAL_SEQUENTIAL,
                (code, path, context, name) -> log.say("sequential " + Code.get(code) + " " + name),
                null);
            zk.getData("/async/none", false,
                (code, path, context, data, stat) -> log.say("get none " + Code.get(code)), null);
        }
        zk.getChildren("/async", false,
            (code, path, context, names) -> log.say("children " + Transcript.show(names)), null);
        zk.multi(Arrays.asList(Op.check("/async", 5), Op.setData("/async", null, 5)),
            (code, path, context, results) -> log.say("multi " + Code.get(code) + " " + results.size()),
            null);
        zk.sync("/async", (code, path, context) -> log.say("sync " + Code.get(code) + " " + path), null);
        zk.getACL("/async", null,
            (code, path, context, acl, stat) -> log.say("acl " + Code.get(code) + " "
                + Transcript.show(acl)), null);
        zk.getEphemerals("/async",
            (code, context, paths) -> log.say("ephemerals " + Code.get(code) + " " + paths.size()), null);
        zk.getAllChildrenNumber("/async",
            (code, path, context, number) -> log.say("all " + Code.get(code) + " " + number), null);
        zk.delete("/async", -1,
            (code, path, context) -> log.say("delete " + Code.get(code)), null);
        zk.exists("/async", false, (code, path, context, stat) -> {
            log.say("exists " + Code.get(code) + " " + Transcript.show(stat));
            done.countDown();
        }, null);
        Transcript.await(done);
        zk.close();
    }
}

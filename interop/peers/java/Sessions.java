import static org.apache.zookeeper.ZooDefs.Ids.OPEN_ACL_UNSAFE;

import java.util.concurrent.CountDownLatch;
import org.apache.zookeeper.AddWatchMode;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.Watcher.Event.KeeperState;
import org.apache.zookeeper.ZooKeeper;

/** Sessions: their end, their move to another connection, their life across a server's restart. */
final class Sessions {
    private Sessions() {
    }

    /** A second handle closes the session under the first one, which learns that it has expired. */
    static void expiry(String servers) throws Exception {
        Transcript log = new Transcript("expiry");
        CountDownLatch expired = new CountDownLatch(1);
        ZooKeeper victim = Transcript.connect(servers, 10_000, event -> {
            if (event.getState() == KeeperState.Expired) {
                expired.countDown();
            }
        });
        ZooKeeper observer = Transcript.connect(servers, 20_000);
        log.say("negotiated " + victim.getSessionTimeout());
        victim.create("/expiring", null, OPEN_ACL_UNSAFE, CreateMode.EPHEMERAL);
        CountDownLatch gone = new CountDownLatch(1);
        observer.exists("/expiring", event -> {
            log.say("observer sees " + event.getType() + " " + event.getPath());
            gone.countDown();
        });
        CountDownLatch duplicateConnected = new CountDownLatch(1);
        ZooKeeper duplicate = new ZooKeeper(servers, 10_000, event -> {
            if (event.getState() == KeeperState.SyncConnected) {
                duplicateConnected.countDown();
            }
        }, victim.getSessionId(), victim.getSessionPasswd());
        Transcript.await(duplicateConnected);
        log.say("same session " + (duplicate.getSessionId() == victim.getSessionId()));
        duplicate.close();
        Transcript.await(gone);
        Transcript.await(expired);
        log.check("victim", () -> victim.exists("/", false));
        log.say("state " + victim.getState());
        observer.close();
    }

    /** A wrong password gives no session; the right one takes the session over. */
    static void takenOver(String servers) throws Exception {
        Transcript log = new Transcript("moved");
        ZooKeeper first = Transcript.connect(servers, 20_000);
        CountDownLatch expired = new CountDownLatch(1);
        ZooKeeper wrong = new ZooKeeper(servers, 20_000, event -> {
            if (event.getState() == KeeperState.Expired) {
                expired.countDown();
            }
        }, first.getSessionId(), new byte[16]);
        Transcript.await(expired);
        log.say("wrong password: " + wrong.getState());
        Transcript.settle(first);
        log.check("the first still works", () -> first.exists("/", false) != null);
        for (int requested : new int[] {3_000, 4_000, 15_000, 1_000_000}) {
            ZooKeeper handle = Transcript.connect(servers, requested);
            log.say(requested + " negotiated to " + handle.getSessionTimeout());
            handle.close();
        }
        first.close();
    }

    static void chroot(String servers) throws Exception {
        Transcript log = new Transcript("chroot");
        ZooKeeper plain = Transcript.connect(servers, 20_000);
        plain.create("/root", null, OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
        ZooKeeper zk = Transcript.connect(servers + "/root", 20_000);
        zk.exists("/a", log.watcher("exists"));
        String created = zk.create("/a", null, OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
        Transcript.settle(zk);
        log.say("created " + created);
        log.check("children", () -> zk.getChildren("/", false));
        log.check("children from outside", () -> plain.getChildren("/root", false));
        zk.close();
        plain.close();
    }

    /** The server is stopped and started again: session, ephemerals and watches live on. */
    static void restart(String servers) throws Exception {
        Transcript log = new Transcript("restart");
        CountDownLatch disconnected = new CountDownLatch(1);
        CountDownLatch[] reconnected = {new CountDownLatch(1)};
        ZooKeeper zk = Transcript.connect(servers, 30_000, event -> {
            if (event.getState() == KeeperState.Disconnected) {
                disconnected.countDown();
            } else if (event.getState() == KeeperState.SyncConnected && disconnected.getCount() == 0) {
                reconnected[0].countDown();
            }
        });
        zk.create("/restart", null, OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
        zk.create("/restart/ephemeral", Transcript.bytes("e"), OPEN_ACL_UNSAFE, CreateMode.EPHEMERAL);
        zk.addAuthInfo("digest", Transcript.bytes("alice:secret"));
        zk.exists("/restart/later", log.watcher("exists"));
        zk.getData("/restart", log.watcher("data"), null);
        zk.getChildren("/restart", log.watcher("children"));
        zk.addWatch("/restart", log.watcher("recursive"), AddWatchMode.PERSISTENT_RECURSIVE);
        long session = zk.getSessionId();
        Transcript.askTest("restart");
        Transcript.await(disconnected);
        Transcript.await(reconnected[0]);
        log.say("same session " + (session == zk.getSessionId()));
        log.check("ephemeral lives", () -> zk.getData("/restart/ephemeral", false, null));
        log.check("ephemerals", () -> zk.getEphemerals());
        log.check("identities", () -> zk.whoAmI().size());
        log.say("create");
        zk.create("/restart/later", null, OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
        Transcript.settle(zk);
        log.say("set");
        zk.setData("/restart", null, -1);
        Transcript.settle(zk);
        log.check("stat", () -> zk.exists("/restart", false));
        // The watches see the end of the session's own ephemeral: wait until they have been told.
        zk.close(10_000);
    }
}

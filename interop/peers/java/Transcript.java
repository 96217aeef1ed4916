import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.WatchedEvent;
import org.apache.zookeeper.Watcher;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.data.ACL;
import org.apache.zookeeper.data.Stat;

/**
 * Writes down what a ZooKeeper handle does, one line for each thing, in words that are equal for
 * servers that behave alike: no times, no session ids. Knows also how to wait: for a connection, for
 * all events that a request has caused, for the test to have done something to the server.
 */
final class Transcript {
    interface Call {
        Object run() throws Exception;
    }

    private static final int WAIT_SECONDS = 60;
    private static final BufferedReader INPUT = new BufferedReader(new InputStreamReader(System.in));

    private final String topic;

    Transcript(String topic) {
        this.topic = topic;
    }

    void say(String line) {
        synchronized (System.out) {
            System.out.println(topic + ": " + line);
            System.out.flush();
        }
    }

    /** Runs a call and writes its result, or the name of the error it ended with. */
    void check(String what, Call call) {
        say(what + " -> " + outcome(call));
    }

    static String outcome(Call call) {
        try {
            return show(call.run());
        } catch (KeeperException error) {
            return error.code() + (error.getPath() == null ? "" : " at " + error.getPath());
        } catch (IllegalArgumentException error) {
            return "IllegalArgumentException";
        } catch (Exception error) {
            return error.toString();
        }
    }

    static String show(Object value) {
        if (value instanceof byte[]) {
            return '"' + new String((byte[]) value, StandardCharsets.UTF_8) + '"';
        }
        if (value instanceof Stat) {
            return show((Stat) value);
        }
        if (value instanceof List) {
            List<String> shown = new ArrayList<>();
            for (Object element : (List<?>) value) {
                shown.add(show(element));
            }
            boolean isSet = !((List<?>) value).isEmpty() && ((List<?>) value).get(0) instanceof String;
            if (isSet) {
                Collections.sort(shown);
            }
            return shown.toString();
        }
        if (value instanceof ACL) {
            ACL acl = (ACL) value;
            return acl.getPerms() + " " + acl.getId().getScheme() + " " + acl.getId().getId();
        }
        return String.valueOf(value);
    }

    private static String show(Stat stat) {
        return "c" + stat.getCzxid() + " m" + stat.getMzxid() + " p" + stat.getPzxid()
            + " v" + stat.getVersion() + " cv" + stat.getCversion() + " av" + stat.getAversion()
            + (stat.getEphemeralOwner() == 0 ? "" : " ephemeral")
            + " len" + stat.getDataLength() + " n" + stat.getNumChildren();
    }

    /** A watcher that writes every event about a node under a name. */
    Watcher watcher(String name) {
        return event -> {
            if (event.getType() != Watcher.Event.EventType.None) {
                say(name + " sees " + show(event));
            }
        };
    }

    private static String show(WatchedEvent event) {
        return event.getState() + "/" + event.getType() + " " + event.getPath();
    }

    /** Opens a handle and waits until it is connected; its own events are not written. */
    static ZooKeeper connect(String servers, int timeoutMs) throws Exception {
        return connect(servers, timeoutMs, event -> { });
    }

    static ZooKeeper connect(String servers, int timeoutMs, Watcher watcher) throws Exception {
        CountDownLatch connected = new CountDownLatch(1);
        ZooKeeper handle = new ZooKeeper(servers, timeoutMs, event -> {
            if (event.getState() == Watcher.Event.KeeperState.SyncConnected) {
                connected.countDown();
            }
            watcher.process(event);
        });
        await(connected);
        return handle;
    }

    /** Callbacks run in the order of answers and events, so this one comes after all events. */
    static void settle(ZooKeeper handle) throws InterruptedException {
        CountDownLatch answered = new CountDownLatch(1);
        handle.exists("/", false, (code, path, context, stat) -> answered.countDown(), null);
        await(answered);
    }

    static void await(CountDownLatch latch) throws InterruptedException {
        if (!latch.await(WAIT_SECONDS, TimeUnit.SECONDS)) {
            throw new IllegalStateException("waited " + WAIT_SECONDS + " s in vain");
        }
    }

    /** Asks the test to do something to the server, and waits until it has. */
    static void askTest(String request) throws Exception {
        synchronized (System.out) {
            System.out.println("ASK " + request);
            System.out.flush();
        }
        INPUT.readLine();
    }

    static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}

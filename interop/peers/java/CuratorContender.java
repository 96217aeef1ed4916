import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.recipes.leader.LeaderLatch;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;
import org.apache.curator.retry.RetryOneTime;

/**
 * Curator's mutex and leader latch in a process of their own, told line by line what to do.
 * Arguments: the server's address and the path. Commands: acquire, try, release, join, lead, leave,
 * end; each but the last is answered by one line.
 */
public final class CuratorContender {
    private static final int WAIT_SECONDS = 60;

    public static void main(String[] args) throws Exception {
        CuratorFramework client = CuratorFrameworkFactory.newClient(args[0], new RetryOneTime(100));
        client.start();
        InterProcessMutex mutex = new InterProcessMutex(client, args[1]);
        LeaderLatch latch = new LeaderLatch(client, args[1], "curator");
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            if (line.equals("end")) {
                break;
            }
            System.out.println(obey(line, mutex, latch));
            System.out.flush();
        }
        client.close();
        System.exit(0);
    }

    private static String obey(String command, InterProcessMutex mutex, LeaderLatch latch)
        throws Exception {
        switch (command) {
            case "acquire":
                return mutex.acquire(WAIT_SECONDS, TimeUnit.SECONDS) ? "held" : "timeout";
            case "try":
                return mutex.acquire(0, TimeUnit.SECONDS) ? "held" : "busy";
            case "release":
                mutex.release();
                return "released";
            case "join":
                latch.start();
                return "joined";
            case "lead":
                return latch.await(WAIT_SECONDS, TimeUnit.SECONDS) ? "leads" : "timeout";
            case "leave":
                latch.close();
                return "left";
            default:
                return "unknown command";
        }
    }
}

/**
 * Does everything that the Java client can do against one fresh server and writes down what
 * happened. Arguments: the server's address, and optionally the only topic to run.
 */
public final class ClientTranscript {
    private interface Topic {
        void run(String servers) throws Exception;
    }

    private static String only;

    public static void main(String[] args) throws Exception {
        String servers = args[0];
        only = args.length > 1 ? args[1] : null;
        topic("nodes", servers, Nodes::run);
        topic("errors", servers, Nodes::errors);
        topic("transactions", servers, Transactions::run);
        topic("watches", servers, Watches::run);
        topic("removal", servers, Watches::removal);
        topic("access", servers, Access::run);
        topic("asynchronous", servers, Asynchronous::run);
        topic("expiry", servers, Sessions::expiry);
        topic("moved", servers, Sessions::takenOver);
        topic("chroot", servers, Sessions::chroot);
        topic("restart", servers, Sessions::restart);
        System.exit(0);
    }

    private static void topic(String name, String servers, Topic topic) {
        if (only != null && !only.equals(name)) {
            return;
        }
        try {
            topic.run(servers);
        } catch (Exception error) {
            System.out.println(name + ": FAILED " + error);
            error.printStackTrace();
        }
    }
}

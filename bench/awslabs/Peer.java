import com.amazonaws.services.dynamodbv2.AcquireLockOptions;
import com.amazonaws.services.dynamodbv2.AmazonDynamoDBLockClient;
import com.amazonaws.services.dynamodbv2.AmazonDynamoDBLockClientOptions;
import com.amazonaws.services.dynamodbv2.LockItem;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.URI;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;

/** A worker of the bench that uses the awslabs lock client: the same commands and answers as worker.go. */
public final class Peer {
  private static final CountDownLatch more = new CountDownLatch(1);
  private static final List<LockItem> locks = Collections.synchronizedList(new ArrayList<>());
  private static final Map<String, String> job = new HashMap<>();
  private static volatile boolean stopped;
  private static AmazonDynamoDBLockClient client;

  public static void main(String[] args) throws Exception {
    for (String arg : args) {
      int eq = arg.indexOf('=');
      job.put(arg.substring(0, eq), arg.substring(eq + 1));
    }
    DynamoDbClient db = DynamoDbClient.builder().endpointOverride(URI.create(job.get("url"))).region(Region.US_EAST_1)
        .credentialsProvider(StaticCredentialsProvider.create(AwsBasicCredentials.create("local", "local"))).build();
    long lease = number("leaseMillis");
    client = new AmazonDynamoDBLockClient(AmazonDynamoDBLockClientOptions.builder(db, job.get("table"))
        .withPartitionKeyName("key").withOwnerName(UUID.randomUUID().toString())
        .withLeaseDuration(lease).withHeartbeatPeriod(lease / 4).withTimeUnit(TimeUnit.MILLISECONDS)
        .withCreateHeartbeatBackgroundThread(true).build());
    client.getLock("no such lock", java.util.Optional.empty()); // loads most classes
    say("{\"event\":\"ready\"}");

    BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
    Thread work = null;
    for (String line; (line = in.readLine()) != null; ) {
      switch (line) {
        case "go":
          work = new Thread(Peer::work);
          work.setDaemon(true);
          work.start();
          break;
        case "more":
          more.countDown();
          break;
        case "held":
          say("{\"event\":\"held\",\"held\":{\"locks\":" + locks.stream().filter(l -> !l.isExpired()).count() + "}}");
          break;
        case "stop":
          stopped = true;
          work.join();
          say("{\"event\":\"end\"}");
          break;
        default:
          throw new IllegalArgumentException(line);
      }
    }
    Runtime.getRuntime().halt(0);
  }

  private static void work() {
    try {
      switch (job.get("kind")) {
        case "pairs": pairs(); break;
        case "loop": loop(); break;
        case "keep": keep(); break;
        case "many": many(); break;
        default: throw new IllegalArgumentException(job.get("kind"));
      }
    } catch (Exception e) {
      say("{\"event\":\"error\",\"error\":\"" + e.toString().replaceAll("[^\\w .,:-]", " ") + "\"}");
    }
  }

  private static void pairs() throws Exception {
    long asked = now();
    for (long n = number("count"); n > 0; n--) {
      client.releaseLock(acquire(job.get("key")));
    }
    long done = now();
    say(grant(asked, done, done, done));
  }

  private static void loop() throws Exception {
    List<String> grants = new ArrayList<>();
    while (!stopped) {
      long asked = now();
      LockItem lock = acquire(job.get("key"));
      long got = now();
      Thread.sleep(number("holdMillis"));
      long released = now();
      client.releaseLock(lock);
      grants.add(grant(asked, got, released, now()));
    }
    grants.forEach(Peer::say);
  }

  private static void keep() throws Exception {
    long asked = now();
    locks.add(acquire(job.get("key")));
    long got = now();
    say(grant(asked, got, got, got));
  }

  private static void many() throws Exception {
    locks.add(acquire(job.get("key") + "-0"));
    say(grant(0, now(), 0, 0));
    more.await();
    ExecutorService threads = Executors.newFixedThreadPool(8);
    List<Future<Boolean>> all = new ArrayList<>();
    for (int n = 1; n < number("count"); n++) {
      String key = job.get("key") + "-" + n;
      all.add(threads.submit(() -> locks.add(acquire(key))));
    }
    for (Future<Boolean> one : all) {
      one.get();
    }
    threads.shutdown();
    say(grant(0, now(), 0, 0));
  }

  private static LockItem acquire(String key) throws Exception {
    return client.acquireLock(AcquireLockOptions.builder(key).withRefreshPeriod(number("refreshMillis"))
        .withAdditionalTimeToWaitForLock(60_000L).withTimeUnit(TimeUnit.MILLISECONDS).build());
  }

  private static String grant(long asked, long got, long released, long done) {
    return "{\"event\":\"grant\",\"grant\":{\"who\":" + job.get("who") + ",\"asked\":" + asked + ",\"got\":" + got
        + ",\"released\":" + released + ",\"done\":" + done + "}}";
  }

  private static long number(String name) {
    return Long.parseLong(job.get(name));
  }

  private static long now() {
    Instant now = Instant.now();
    return now.getEpochSecond() * 1_000_000_000L + now.getNano();
  }

  private static synchronized void say(String line) {
    System.out.println(line);
    System.out.flush();
  }
}

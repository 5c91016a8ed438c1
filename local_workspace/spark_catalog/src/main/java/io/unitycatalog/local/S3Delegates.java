package io.unitycatalog.local;

import java.io.IOException;
import java.net.URI;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocalFileSystem;
import org.apache.hadoop.fs.s3a.S3AFileSystem;
import org.apache.spark.SparkContext;

/** The S3 clients behind the governed file systems: one per bucket and credential, since each is dear to make. */
final class S3Delegates {
  private record Kept(FileSystem fileSystem, PathCredential credential) {}

  private static final Map<String, Kept> KEPT = new ConcurrentHashMap<>();

  private S3Delegates() {}

  static FileSystem of(String bucket, PathCredential credential) throws IOException {
    String key = bucket + "|" + credential.accessKey() + "|" + credential.sessionToken();
    Kept kept = KEPT.get(key);
    if (kept == null) {
      synchronized (KEPT) {
        kept = KEPT.get(key);
        if (kept == null) {
          KEPT.values().removeIf(old -> !old.credential().isFresh());
          kept = new Kept(connect(bucket, credential), credential);
          KEPT.put(key, kept);
        }
      }
    }
    return kept.fileSystem();
  }

  /** From the server's own settings: those of a session or a query could lead to another host. */
  private static FileSystem connect(String bucket, PathCredential credential) throws IOException {
    Configuration own = new Configuration(SparkContext.getOrCreate().hadoopConfiguration());
    own.set("fs.file.impl", LocalFileSystem.class.getName()); // parts of uploads, which no session may reach
    own.set("fs.s3a.access.key", credential.accessKey());
    own.set("fs.s3a.secret.key", credential.secretKey());
    own.set("fs.s3a.session.token", credential.sessionToken());
    own.set("fs.s3a.aws.credentials.provider", "org.apache.hadoop.fs.s3a.TemporaryAWSCredentialsProvider");
    FileSystem fileSystem = new S3AFileSystem();
    fileSystem.initialize(URI.create("s3://" + bucket), own);
    return fileSystem;
  }
}

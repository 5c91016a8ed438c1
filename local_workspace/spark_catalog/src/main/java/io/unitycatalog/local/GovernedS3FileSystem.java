package io.unitycatalog.local;

import java.io.IOException;
import java.net.URI;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;

/**
 * s3:// paths. A table brings its credential in its storage properties, so that SELECT on a table or view needs no right
 * on files; any other path is asked for with the session's token.
 */
public final class GovernedS3FileSystem extends GovernedFileSystem {
  private PathCredential ofTable;

  @Override
  public void initialize(URI name, Configuration settings) throws IOException {
    super.initialize(name, settings);
    ofTable = PathCredential.of(settings);
  }

  @Override
  public String getScheme() {
    return "s3";
  }

  @Override
  Place locate(Path path, boolean write) throws IOException {
    String inside = path.toUri().getPath();
    Path whole = new Path("s3", getUri().getAuthority(), inside.isEmpty() ? "/" : inside); // of a bucket as a whole
    String url = PathCredential.stripSlash(whole.toString());
    return new Place(S3Delegates.of(whole.toUri().getAuthority(), credentialFor(url, write)), whole);
  }

  private PathCredential credentialFor(String url, boolean write) throws IOException {
    if (ofTable == null || !ofTable.covers(url)) {
      return vendor.forPath(url, write);
    }
    if (ofTable.isFresh() && (ofTable.writable() || !write)) {
      return ofTable;
    }
    // tables come with a credential to read: the right to write shows when it is used
    return ofTable.tableId().isEmpty()
        ? vendor.forPath(url, write)
        : vendor.forTable(ofTable.tableId(), url, write);
  }

  @Override
  Path outside(Path asked, Place place, Path inside) {
    return new Path(getUri().getScheme(), getUri().getAuthority(), inside.toUri().getPath());
  }
}

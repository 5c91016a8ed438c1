package io.unitycatalog.local;

import java.io.IOException;
import java.net.URI;
import java.nio.file.AccessDeniedException;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.LocalFileSystem;

/** A scheme that no grant governs: the web, other file systems, archives. It cannot be opened. */
public final class ClosedFileSystem extends LocalFileSystem {
  @Override
  public void initialize(URI name, Configuration settings) throws IOException {
    throw new AccessDeniedException(
        name.toString(),
        null,
        "[" + AccessDenied.CONDITION + "] no principal has SELECT on any file: " + name.getScheme()
            + ": is closed, use a volume or an external location");
  }
}

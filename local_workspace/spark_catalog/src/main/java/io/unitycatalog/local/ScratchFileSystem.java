package io.unitycatalog.local;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import org.apache.hadoop.fs.LocalFileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;

/**
 * file: as sessions see it: the machine's disk is closed to them, since a disk has no grants. Open is the server's
 * scratch directory alone, where Spark itself puts, on behalf of a session, parts of uploads and checkpoints of streams
 * that name none.
 */
public final class ScratchFileSystem extends LocalFileSystem {
  public ScratchFileSystem() {
    super(new Checked());
  }

  private static final class Checked extends RawLocalFileSystem {
    private static final java.nio.file.Path SCRATCH = follow(new File(System.getProperty("lakehouse.scratch")));

    @Override
    public File pathToFile(Path path) {
      File file = super.pathToFile(path);
      String token = getConf().get("fs.lakehouse.token", "");
      if (!token.isEmpty() && !follow(file).startsWith(SCRATCH)) {
        throw AccessDenied.<RuntimeException>sneak(new AccessDeniedException(
            path.toString(),
            null,
            "[" + AccessDenied.CONDITION + "] User '" + SessionRules.nameOf(token)
                + "' does not have SELECT on any file: the machine's disk is closed, use a volume or an external location"));
      }
      return file;
    }

    /** Returns the path with links followed, so that none leads out. */
    private static java.nio.file.Path follow(File file) {
      try {
        return file.getCanonicalFile().toPath();
      } catch (IOException error) {
        throw new UncheckedIOException(error);
      }
    }
  }
}

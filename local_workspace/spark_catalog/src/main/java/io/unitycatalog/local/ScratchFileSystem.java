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
    @Override
    public File pathToFile(Path path) {
      File file = super.pathToFile(path);
      String token = getConf().get("fs.lakehouse.token", "");
      if (!token.isEmpty() && !isScratch(file)) {
        throw AccessDenied.<RuntimeException>sneak(new AccessDeniedException(
            path.toString(),
            null,
            "[" + AccessDenied.CONDITION + "] User '" + SessionRules.nameOf(token)
                + "' does not have SELECT on any file: the machine's disk is closed, use a volume or an external location"));
      }
      return file;
    }

    private static boolean isScratch(File file) {
      try {
        // with links followed, so that none leads out
        String scratch = new File(System.getProperty("lakehouse.scratch")).getCanonicalPath();
        return file.getCanonicalFile().toPath().startsWith(scratch);
      } catch (IOException error) {
        throw new UncheckedIOException(error);
      }
    }
  }
}

package io.unitycatalog.local;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.util.regex.Pattern;
import org.apache.hadoop.fs.LocalFileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;

/**
 * file: as sessions see it: the machine's disk is closed to them, since a disk has no grants. Open are only the folders
 * that Spark itself makes for checkpoints of streams that name none; nobody can list or guess their names.
 */
public final class ScratchFileSystem extends LocalFileSystem {
  public ScratchFileSystem() {
    super(new Checked());
  }

  private static final class Checked extends RawLocalFileSystem {
    private static final java.nio.file.Path SCRATCH = follow(new File(System.getProperty("lakehouse.scratch")));

    /** Spark makes this folder of its own accord, before there is a session; nothing is ever in it. */
    private static final java.nio.file.Path WAREHOUSE = follow(new File(System.getProperty("lakehouse.warehouse")));

    /** A random UUID is in the name: who knows it has made it. */
    private static final Pattern TEMPORARY = Pattern.compile("temporary-[0-9a-f-]{36}");

    @Override
    public File pathToFile(Path path) {
      File file = super.pathToFile(path);
      String token = getConf().get("fs.lakehouse.token", "");
      java.nio.file.Path real = follow(file);
      boolean isOpen = SessionRules.isWarmUp(token) ? real.startsWith(SCRATCH) : !token.isBlank() && isTemporary(real);
      if (!isOpen) {
        throw AccessDenied.<RuntimeException>sneak(new AccessDeniedException(
            path.toString(),
            null,
            "[" + AccessDenied.CONDITION + "] " + (token.isBlank() ? "A session without a token" : "User '" + SessionRules.nameOf(token) + "'")
                + " does not have SELECT on any file: the machine's disk is closed, use a volume or an external location"));
      }
      return file;
    }

    @Override
    public boolean mkdirs(Path path) throws IOException {
      File folder = super.pathToFile(path);
      return follow(folder).equals(WAREHOUSE) ? folder.isDirectory() || folder.mkdirs() : super.mkdirs(path);
    }

    private static boolean isTemporary(java.nio.file.Path path) {
      return path.startsWith(SCRATCH)
          && path.getNameCount() > SCRATCH.getNameCount()
          && TEMPORARY.matcher(path.getName(SCRATCH.getNameCount()).toString()).matches();
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

package io.unitycatalog.local;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import org.apache.hadoop.fs.LocatedFileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RemoteIterator;
import org.apache.hadoop.util.functional.RemoteIterators;

/** dbfs:/Volumes/catalog/schema/volume/...: files in volumes, wherever the volume's storage is. */
public final class VolumeFileSystem extends GovernedFileSystem {
  @Override
  public String getScheme() {
    return "dbfs";
  }

  @Override
  Place locate(Path path, boolean write) throws IOException {
    String[] parts = path.toUri().getPath().split("/", 6);
    if (parts.length < 5 || !parts[1].equals("Volumes") || parts[4].isEmpty()) {
      throw new AccessDeniedException(
          path.toString(), null, "the DBFS root is disabled; use a path in a volume: /Volumes/<catalog>/<schema>/<volume>/...");
    }
    PathCredential credential = vendor.forVolume(parts[2] + "." + parts[3] + "." + parts[4], write);
    Path inside = new Path(parts.length == 6 && !parts[5].isEmpty() ? credential.url() + "/" + parts[5] : credential.url());
    return new Place(S3Delegates.of(inside.toUri().getAuthority(), credential), inside);
  }

  /** All of a volume is one credential's, so that what is below a folder can be listed at once; S3 lists that way. */
  @Override
  public RemoteIterator<LocatedFileStatus> listFiles(Path path, boolean recursive) throws IOException {
    Place place = locate(path, false);
    return RemoteIterators.mappingRemoteIterator(
        place.fileSystem().listFiles(place.path(), recursive),
        found -> {
          requireBelow(place.path(), found);
          return new LocatedFileStatus(rename(found, path, place), found.getBlockLocations());
        });
  }

  @Override
  Path outside(Path asked, Place place, Path inside) {
    String base = place.path().toUri().getPath();
    String rest = inside.toUri().getPath().substring(base.length());
    return new Path("dbfs", null, asked.toUri().getPath().replaceAll("/+$", "") + rest);
  }
}

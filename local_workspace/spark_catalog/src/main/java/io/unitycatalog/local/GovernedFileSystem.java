package io.unitycatalog.local;

import java.io.IOException;
import java.net.URI;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.FutureDataInputStreamBuilder;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.util.Progressable;

/** A file system whose every call is made with a credential the gateway gave for that path. */
abstract class GovernedFileSystem extends FileSystem {
  /** Where a path really is: the S3 file system to use and the path in it. */
  record Place(FileSystem fileSystem, Path path) {}

  private URI uri;
  protected CredentialVendor vendor;

  @Override
  public void initialize(URI name, Configuration settings) throws IOException {
    super.initialize(name, settings);
    setConf(settings);
    uri = URI.create(name.getScheme() + "://" + (name.getAuthority() == null ? "" : name.getAuthority()) + "/");
    vendor = new CredentialVendor(settings);
  }

  /** Finds the place of a path, or throws when the session may not go there. */
  abstract Place locate(Path path, boolean write) throws IOException;

  /** The path as the caller knows it, of one inside the place. */
  abstract Path outside(Path asked, Place place, Path inside);

  @Override
  public URI getUri() {
    return uri;
  }

  @Override
  public FSDataInputStream open(Path path, int bufferSize) throws IOException {
    Place place = locate(path, false);
    return place.fileSystem().open(place.path(), bufferSize);
  }

  /** With what the caller knows of the file S3A need not ask for it again. */
  @Override
  public FutureDataInputStreamBuilder openFile(Path path) throws IOException {
    Place place = locate(path, false);
    return place.fileSystem().openFile(place.path());
  }

  @Override
  public FSDataOutputStream create(
      Path path, FsPermission permission, boolean overwrite, int bufferSize, short replication, long blockSize, Progressable progress)
      throws IOException {
    Place place = locate(path, true);
    return place.fileSystem().create(place.path(), permission, overwrite, bufferSize, replication, blockSize, progress);
  }

  @Override
  public FSDataOutputStream append(Path path, int bufferSize, Progressable progress) {
    throw new UnsupportedOperationException("Cloud storage cannot append to " + path);
  }

  @Override
  public boolean rename(Path from, Path to) throws IOException {
    Place source = locate(from, true);
    Place target = locate(to, true);
    if (source.fileSystem().getUri().equals(target.fileSystem().getUri())) {
      return target.fileSystem().rename(source.path(), target.path());
    }
    throw new IOException("Cannot rename " + from + " to " + to + ": they are in different buckets");
  }

  @Override
  public boolean delete(Path path, boolean recursive) throws IOException {
    Place place = locate(path, true);
    return place.fileSystem().delete(place.path(), recursive);
  }

  @Override
  public FileStatus[] listStatus(Path path) throws IOException {
    Place place = locate(path, false);
    FileStatus[] found = place.fileSystem().listStatus(place.path());
    FileStatus[] renamed = new FileStatus[found.length]; // S3A answers an array that holds its own kind only
    for (int i = 0; i < found.length; i++) {
      requireBelow(place.path(), found[i]);
      renamed[i] = rename(found[i], path, place);
    }
    return renamed;
  }

  /** Hadoop folds '..' in keys: a folder would be listed as its own child, again and again, or show what lies outside. */
  static void requireBelow(Path folder, FileStatus found) {
    String parent = PathCredential.stripSlash(folder.toUri().getPath());
    String child = PathCredential.stripSlash(found.getPath().toUri().getPath());
    boolean isItself = child.equals(parent) && !found.isDirectory(); // a file lists itself
    if (!isItself && !child.startsWith(parent + "/")) {
      throw OpenSources.refuse(folder + " holds an object whose key has the segment '..', which no path can name."
          + " Move it to another key, or delete it.");
    }
  }

  @Override
  public FileStatus getFileStatus(Path path) throws IOException {
    Place place = locate(path, false);
    return rename(place.fileSystem().getFileStatus(place.path()), path, place);
  }

  @Override
  public boolean mkdirs(Path path, FsPermission permission) throws IOException {
    Place place = locate(path, true);
    return place.fileSystem().mkdirs(place.path(), permission);
  }

  @Override
  public void setWorkingDirectory(Path path) {}

  @Override
  public Path getWorkingDirectory() {
    return new Path(uri);
  }

  /** What the place says of a file, with the path as the caller knows it. */
  protected FileStatus rename(FileStatus status, Path asked, Place place) {
    return new FileStatus(
        status.getLen(),
        status.isDirectory(),
        status.getReplication(),
        status.getBlockSize(),
        status.getModificationTime(),
        outside(asked, place, status.getPath()));
  }
}

package io.unitycatalog.local;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.hadoop.conf.Configuration;

/** Gets credentials for paths and volumes with a session's token, and keeps them while they are fresh. */
final class CredentialVendor {
  private static final Map<String, PathCredential> KEPT = new ConcurrentHashMap<>();

  private final GatewayClient client;
  private final String token;

  CredentialVendor(Configuration settings) {
    token = settings.get("fs.lakehouse.token", "");
    client = new GatewayClient(settings.get("fs.lakehouse.gateway"), token);
  }

  PathCredential forPath(String url, boolean write) throws IOException {
    String owner = token + (write ? "|w|" : "|r|");
    for (String prefix = url; prefix.length() > "s3://".length(); prefix = parent(prefix)) {
      PathCredential kept = KEPT.get(owner + prefix);
      if (kept != null && kept.isFresh()) {
        return kept;
      }
    }
    ObjectNode wanted = GatewayClient.JSON.createObjectNode();
    wanted.put("url", url).put("operation", write ? "PATH_READ_WRITE" : "PATH_READ");
    return keep(owner, ask("temporary-path-credentials", wanted, url));
  }

  PathCredential forVolume(String fullName, boolean write) throws IOException {
    String key = token + (write ? "|w|" : "|r|") + fullName;
    PathCredential kept = KEPT.get(key);
    if (kept != null && kept.isFresh()) {
      return kept;
    }
    ObjectNode wanted = GatewayClient.JSON.createObjectNode();
    wanted.put("volume_full_name", fullName).put("operation", write ? "WRITE_VOLUME" : "READ_VOLUME");
    PathCredential credential = ask("temporary-volume-credentials", wanted, "/Volumes/" + fullName.replace('.', '/'));
    KEPT.put(key, credential);
    return credential;
  }

  private PathCredential ask(String path, ObjectNode wanted, String subject) throws IOException {
    if (token.isEmpty()) {
      throw new AccessDeniedException(subject, null, "the session has no token");
    }
    try {
      JsonNode answer = client.post(path, wanted);
      return PathCredential.read(answer);
    } catch (GatewayError error) {
      if (error.status == 403) {
        throw new AccessDeniedException(subject, null, "[" + AccessDenied.CONDITION + "] " + error.getMessage());
      }
      if (error.isMissing()) {
        throw new java.io.FileNotFoundException(subject + ": " + error.getMessage());
      }
      throw new IOException(subject + ": " + error.getMessage(), error);
    }
  }

  private static PathCredential keep(String owner, PathCredential credential) {
    KEPT.entrySet().removeIf(entry -> !entry.getValue().isFresh());
    KEPT.put(owner + credential.url(), credential);
    return credential;
  }

  private static String parent(String url) {
    return url.substring(0, Math.max(0, url.lastIndexOf('/')));
  }
}

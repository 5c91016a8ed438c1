package io.unitycatalog.local;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.spark.connect.proto.ConfigRequest;
import org.apache.spark.connect.proto.KeyValue;
import org.apache.spark.connect.proto.UserContext;
import org.sparkproject.connect.google_protos.rpc.Status;
import org.sparkproject.connect.grpc.ForwardingServerCallListener.SimpleForwardingServerCallListener;
import org.sparkproject.connect.grpc.Metadata;
import org.sparkproject.connect.grpc.ServerCall;
import org.sparkproject.connect.grpc.ServerCallHandler;
import org.sparkproject.connect.grpc.ServerInterceptor;
import org.sparkproject.connect.grpc.Status.Code;
import org.sparkproject.connect.grpc.StatusRuntimeException;
import org.sparkproject.connect.grpc.protobuf.StatusProto;
import org.sparkproject.connect.protobuf.Descriptors.FieldDescriptor;
import org.sparkproject.connect.protobuf.Message;

/**
 * Reads each request of Spark Connect before Spark does, and refuses what {@link OpenSources} does not list: sources,
 * options and places of DataFrames, settings of the session, and commands that would run a class of the server.
 *
 * <p>Set as spark.connect.grpc.interceptor.classes. Messages: spark/connect/*.proto.
 */
public final class RequestGuard implements ServerInterceptor {
  private static final String PACKAGE = "spark.connect.";
  private static final String CATALOG = "spark.sql.catalog.";
  private static final String CATALOG_CLASS = GatewayCatalog.class.getName();

  @Override
  public <I, O> ServerCall.Listener<I> interceptCall(ServerCall<I, O> call, Metadata headers, ServerCallHandler<I, O> next) {
    return new SimpleForwardingServerCallListener<>(next.startCall(call, headers)) {
      private boolean isRefused;

      @Override
      public void onMessage(I message) {
        try {
          check(message);
        } catch (Exception error) { // a refusal, which Scala's interfaces let pass undeclared
          isRefused = true;
          StatusRuntimeException refusal = describe(error);
          call.close(refusal.getStatus(), refusal.getTrailers());
          return;
        }
        super.onMessage(message);
      }

      @Override
      public void onHalfClose() {
        if (!isRefused) {
          super.onHalfClose();
        }
      }
    };
  }

  private static StatusRuntimeException describe(Exception error) {
    Code code = error instanceof AccessDenied ? Code.PERMISSION_DENIED : Code.INVALID_ARGUMENT;
    return StatusProto.toStatusRuntimeException(
        Status.newBuilder().setCode(code.value()).setMessage(String.valueOf(error.getMessage())).build());
  }

  private static void check(Object message) {
    if (message instanceof ConfigRequest request) {
      checkSettings(request.getOperation());
    } else if (message instanceof Message plan) {
      walk(plan, new OpenSources(() -> userOf(plan)));
    }
  }

  private static void checkSettings(ConfigRequest.Operation operation) {
    if (operation.hasSet()) {
      for (KeyValue pair : operation.getSet().getPairsList()) {
        requireSetting(pair.getKey(), pair.getValue());
      }
    }
    if (operation.hasUnset()) {
      operation.getUnset().getKeysList().forEach(OpenSources::requireSetting);
    }
  }

  /** A setting that binds the session to its principal may be set to what binds it, and to nothing else. */
  private static void requireSetting(String name, String value) {
    if (name.startsWith(CATALOG) && (name.endsWith(".token") ? !value.isBlank() : value.equals(CATALOG_CLASS))) {
      return;
    }
    if (name.equals("fs.lakehouse.token") && !value.isBlank()) {
      return;
    }
    if (!(name.equals("fs.defaultFS") && value.equals("dbfs:///"))) {
      OpenSources.requireSetting(name);
    }
  }

  private static String userOf(Message request) {
    FieldDescriptor field = request.getDescriptorForType().findFieldByName("user_context");
    return field == null ? "" : ((UserContext) request.getField(field)).getUserId();
  }

  private static void walk(Message message, OpenSources open) {
    checkOne(message, open);
    for (Map.Entry<FieldDescriptor, Object> field : message.getAllFields().entrySet()) {
      if (field.getKey().getJavaType() != FieldDescriptor.JavaType.MESSAGE) {
        continue;
      }
      if (field.getValue() instanceof List<?> many) {
        many.forEach(one -> walk((Message) one, open));
      } else {
        walk((Message) field.getValue(), open);
      }
    }
  }

  private static void checkOne(Message message, OpenSources open) {
    String name = message.getDescriptorForType().getFullName();
    if (!name.startsWith(PACKAGE)) {
      return;
    }
    switch (name.substring(PACKAGE.length())) {
      case "Read.DataSource", "WriteOperation", "WriteOperationV2", "WriteStreamOperationStart", "Read.NamedTable",
          "CreateTable", "CreateExternalTable", "Parse" -> checkSource(message, open);
      case "ExecuteExternalCommand", "PipelineCommand", "MlCommand", "MlRelation",
          "CommonInlineUserDefinedDataSource", "CreateResourceProfileCommand", "Plan.CompressedOperation" ->
          throw OpenSources.refuse(name.substring(PACKAGE.length()) + " is not available.");
      default -> { }
    }
  }

  private static void checkSource(Message message, OpenSources open) {
    for (String field : List.of("format", "source", "provider")) {
      if (textOf(message, field) instanceof String source) {
        OpenSources.requireSource(source);
      }
    }
    if (textOf(message, "path") instanceof String path) {
      open.requireUrl(path);
    }
    entriesOf(message, "options").forEach(open::requireOption);
    entriesOf(message, "table_properties").keySet().forEach(open::requireProperty);
    if (message instanceof org.apache.spark.connect.proto.Read.DataSource read) {
      read.getPathsList().forEach(open::requireUrl);
    }
  }

  private static Object textOf(Message message, String name) {
    FieldDescriptor field = message.getDescriptorForType().findFieldByName(name);
    return field == null || field.isRepeated() || field.getJavaType() != FieldDescriptor.JavaType.STRING ? null : message.getField(field);
  }

  private static Map<String, String> entriesOf(Message message, String name) {
    Map<String, String> entries = new LinkedHashMap<>();
    FieldDescriptor field = message.getDescriptorForType().findFieldByName(name);
    if (field != null && field.isMapField() && field.getMessageType().findFieldByName("value").getJavaType() == FieldDescriptor.JavaType.STRING) {
      for (Object entry : (List<?>) message.getField(field)) {
        Message pair = (Message) entry;
        entries.put(
            (String) pair.getField(field.getMessageType().findFieldByName("key")),
            (String) pair.getField(field.getMessageType().findFieldByName("value")));
      }
    }
    return entries;
  }
}

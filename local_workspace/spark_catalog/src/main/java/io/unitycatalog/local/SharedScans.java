package io.unitycatalog.local;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.SparkSessionExtensions;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.ExpressionSet$;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.rules.Rule;
import org.apache.spark.sql.delta.Snapshot;
import org.apache.spark.sql.delta.stats.DeltaScan;
import org.apache.spark.sql.delta.stats.DeltaScanGenerator;
import org.apache.spark.sql.delta.stats.PrepareDeltaScan;
import org.apache.spark.sql.execution.datasources.LogicalRelation;
import scala.Option;
import scala.collection.immutable.Nil$;
import scala.collection.immutable.Seq;
import scala.runtime.AbstractFunction1;
import scala.runtime.BoxedUnit;

/**
 * Remembers which files a version of a table consists of. Delta asks its log again for each mention of the table in each
 * query, which is a Spark job; a table is read many times before its next version.
 *
 * <p>Which files a filter leaves is Delta's to say, but where there are few: to read them all takes less than to ask.
 * Loaded as a Spark session extension, before Delta's own, whose rule then finds nothing left to do.
 */
public final class SharedScans extends AbstractFunction1<SparkSessionExtensions, BoxedUnit> {
  private static final int MOST = 100;
  private static final int FEW = 8;
  private static final Map<Snapshot, DeltaScan> KEPT =
      Collections.synchronizedMap(
          new LinkedHashMap<>(MOST, 0.75f, true) { // a snapshot equals itself only
            @Override
            protected boolean removeEldestEntry(Map.Entry<Snapshot, DeltaScan> eldest) {
              return size() > MOST;
            }
          });

  @Override
  public BoxedUnit apply(SparkSessionExtensions extensions) {
    extensions.injectPreCBORule(
        new AbstractFunction1<>() {
          @Override
          public Rule<LogicalPlan> apply(SparkSession session) {
            return new Prepare(session);
          }
        });
    return BoxedUnit.UNIT;
  }

  @SuppressWarnings("unchecked")
  private static final class Prepare extends PrepareDeltaScan {
    Prepare(SparkSession session) {
      super(session);
    }

    @Override
    public DeltaScan filesForScan(
        DeltaScanGenerator generator, Option<Object> limit, Seq<Expression> filters, LogicalRelation table) {
      // a transaction is no snapshot: it notes what it reads
      if (!(generator instanceof Snapshot snapshot) || limit.isDefined()) {
        return super.filesForScan(generator, limit, filters, table);
      }
      if (filters.equals(Nil$.MODULE$)) {
        return wholeTable(snapshot, table);
      }
      boolean isPartitioned = !snapshot.metadata().partitionColumns().equals(Nil$.MODULE$);
      if (isPartitioned || snapshot.numOfFiles() > FEW) { // a partition's filter counts as done once files are chosen
        return super.filesForScan(generator, limit, filters, table);
      }
      return passingOver(filters, wholeTable(snapshot, table));
    }

    private DeltaScan wholeTable(Snapshot snapshot, LogicalRelation table) {
      DeltaScan kept = KEPT.get(snapshot);
      if (kept == null) {
        kept = super.filesForScan(snapshot, Option.empty(), (Seq<Expression>) (Seq<?>) Nil$.MODULE$, table);
        KEPT.put(snapshot, kept);
      }
      return kept;
    }

    /** The same files as chosen for filters of which none could be used. */
    private static DeltaScan passingOver(Seq<Expression> filters, DeltaScan scan) {
      return new DeltaScan(
          scan.version(),
          scan.files(),
          scan.total(),
          scan.partition(),
          scan.scanned(),
          scan.scannedSnapshot(),
          scan.partitionFilters(),
          scan.dataFilters(),
          scan.partitionLikeDataFilters(),
          scan.rewrittenPartitionLikeDataFilters(),
          ExpressionSet$.MODULE$.apply(filters),
          scan.scanDurationMs(),
          scan.dataSkippingType());
    }
  }
}

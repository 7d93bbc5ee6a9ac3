/** Predictions or targets that a metric cannot count: names the metric, the place, what was got and what was expected. */
export class MetricError extends RangeError {
  override readonly name = "MetricError";
}

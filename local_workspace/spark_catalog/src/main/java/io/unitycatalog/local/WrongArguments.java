package io.unitycatalog.local;

/** A function that is called with too few or too many arguments. */
final class WrongArguments extends QueryRefused {
  WrongArguments(String function, int expected, int given) {
    super(
        "WRONG_NUM_ARGS.WITHOUT_SUGGESTION",
        "42605",
        String.format("The `%s` requires %d parameters but the actual number is %d.", function, expected, given));
  }
}

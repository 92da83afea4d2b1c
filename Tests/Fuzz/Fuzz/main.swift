// Fuzzes longer than the tests do; `make fuzz` runs it.

import Foundation

#if GUIDED
  exit(guide())
#else
  exit(takeTurns())
#endif

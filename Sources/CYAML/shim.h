// Debian's libyaml, as a Swift module.
#include <yaml.h>

// libyaml's C interface (package libyaml-dev).
#include <yaml.h>

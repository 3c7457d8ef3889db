/* A line for the first event. */
#include "first.h"

#pragma once

/* version - the one place that says which version this is (layer: core). */

#define AM_VERSION "0.1.0"

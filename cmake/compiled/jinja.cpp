// The interpreter of chat templates, compiled once.
#define TFM_JINJA_BODIES
#include <tfm/text/jinja/conversation.hpp>

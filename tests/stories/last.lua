-- SPDX-License-Identifier: MIT
-- For mpv: says at the end which time was shown last.
local last
mp.observe_property("time-pos", "number", function(_, time) last = time or last end)
mp.register_event("shutdown", function() print(last) end)

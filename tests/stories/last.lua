-- SPDX-License-Identifier: MIT
-- For mpv: says at the end whether it has come to the end, or else which time was shown last.
local last, duration
mp.observe_property("time-pos", "number", function(_, time) last = time or last end)
mp.observe_property("duration", "number", function(_, time) duration = time or duration end)
mp.register_event("shutdown", function()
	print(last and duration and last > duration - 0.5 and "the end" or last)
end)

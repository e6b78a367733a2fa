-- A run that recorded its code. It slept, took a signal and said both; since then the script was changed to this:
--: input "Ann"
--: after TimerStarted signal go "now"

workflow "Pinned" {
  run = function()
    return workflow.call "nothing_like_it"
  end,
}

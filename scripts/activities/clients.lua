-- Whose numbers there are. A source says in its `clients` whose accounts it has; keys of all but its first one are named with
-- the client: EVERFLOW_API_KEY is 713's, EVERFLOW_API_KEY_CTI that of cti.

clients {
  ["713"] = { about = "active" },
  cti = { about = "ClayTargetInstruction, planned" },
}

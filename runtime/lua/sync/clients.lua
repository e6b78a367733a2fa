-- The word `clients` of scripts.
return require("sync.client").declare

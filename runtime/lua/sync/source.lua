-- The word `source` of scripts.
return require("sync").source

"""The live page over a folder of runs: `barograph serve`.

shelf     what runs there are, and how each stands
desk      the runs that somebody looks at: read, judged, and followed while they grow
answers   what the page is told, as plain data
door      who may come in, and what the browser may do
app       the addresses, and one stream of events for each page
static/   the page itself
"""

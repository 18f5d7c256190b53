package envelope

import (
	"math"
	"strings"
)

// IDs splits lists of recipients at | and commas.
func IDs(lists ...string) []string { return FirstIDs(math.MaxInt, lists...) }

// FirstIDs returns at most the first most of them.
func FirstIDs(most int, lists ...string) []string {
	var found []string
	for _, list := range lists {
		for id := range strings.FieldsFuncSeq(list, func(r rune) bool { return r == '|' || r == ',' }) {
			if len(found) == most {
				return found
			}
			if id = strings.TrimSpace(id); id != "" {
				found = append(found, id)
			}
		}
	}
	return found
}

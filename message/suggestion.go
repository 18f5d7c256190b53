package message

import (
	"fmt"
	"slices"
	"strings"
)

// nearest is [Nearest] among names of a type.
func nearest[S ~string](name string, known []S) string {
	names := make([]string, len(known))
	for i, one := range known {
		names[i] = string(one)
	}
	return Nearest(name, names)
}

// didYouMean proposes a similar name; it is "" without one.
func didYouMean(near string) string {
	if near == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", near)
}

// Nearest returns the known name that name was probably meant to be: a different spelling of it, or within an
// edit or two. It is "" if none is similar.
func Nearest(name string, known []string) string {
	plain := plainName(name)
	best, least := "", 1+max(1, min(len(name), 12)/4)
	for _, candidate := range slices.Sorted(slices.Values(known)) {
		if d := distance(plain, plainName(candidate)); d < least {
			best, least = candidate, d
		}
	}
	return best
}

// plainName reduces a name to the part that all its spellings share.
func plainName(name string) string {
	return strings.ToLower(withoutDashes.Replace(shorten(name)))
}

// distance is the number of letters to add, remove, change or swap with a neighbour to turn a into b.
func distance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			changed := 1
			if a[i-1] == b[j-1] {
				changed = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+changed)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}

// withoutDashes is made once, because it takes 6 KB.
var withoutDashes = strings.NewReplacer("_", "", "-", "")

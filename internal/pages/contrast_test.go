package pages

import (
	"maps"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var (
	palette = regexp.MustCompile(`:root\{([^}]*)\}`)
	inkOnly = regexp.MustCompile(`[;{]color:#[0-9a-f]+`)
)

// palettes are the colours of the light pages and of the dark ones, which replace some of them.
func palettes(t *testing.T) (css string, all []map[string]string) {
	t.Helper()
	data, err := assetFiles.ReadFile("assets/pages.css")
	if err != nil {
		t.Fatal(err)
	}
	colours := map[string]string{}
	for _, root := range palette.FindAllStringSubmatch(string(data), -1) {
		own := maps.Clone(colours)
		for declaration := range strings.SplitSeq(root[1], ";") {
			if name, value, ok := strings.Cut(declaration, ":"); ok && strings.HasPrefix(name, "--") {
				own[name] = value
			}
		}
		all, colours = append(all, own), own
	}
	if len(all) != 2 {
		t.Fatalf("%d palettes", len(all))
	}
	return string(data), all
}

// luminance is the luminance of a colour as defined by WCAG 2.
func luminance(t *testing.T, colour string) float64 {
	t.Helper()
	digits := strings.TrimPrefix(colour, "#")
	if len(digits) == 3 {
		digits = strings.Repeat(digits[:1], 2) + strings.Repeat(digits[1:2], 2) + strings.Repeat(digits[2:], 2)
	}
	n, err := strconv.ParseUint(digits, 16, 32)
	if err != nil || len(digits) != 6 {
		t.Fatalf("%q is no colour", colour)
	}
	channel := func(shift int) float64 {
		c := float64(n>>shift&0xff) / 255
		if c <= 0.03928 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*channel(16) + 0.7152*channel(8) + 0.0722*channel(0)
}

func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	x, y := luminance(t, a), luminance(t, b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

// WCAG 2 requires 4.5 for texts. All of them have a colour of the palettes.
func TestTextsCanBeReadByDayAndByNight(t *testing.T) {
	t.Parallel()
	css, all := palettes(t)
	for i, colours := range all {
		pairs := [][2]string{{"--on-accent", "--accent"}, {"--on-bad", "--bad"}}
		for _, text := range []string{"--ink", "--soft", "--link", "--good", "--warn", "--bad", "--busy"} {
			pairs = append(pairs, [2]string{text, "--bg"}, [2]string{text, "--card"})
		}
		for _, pair := range pairs {
			if got := contrast(t, colours[pair[0]], colours[pair[1]]); got < 4.5 {
				t.Errorf("palette %d: %s on %s has a contrast of %.2f", i, pair[0], pair[1], got)
			}
		}
	}
	if found := inkOnly.FindAllString(css, -1); len(found) > 0 {
		t.Errorf("colours of texts that are in no palette: %q", found)
	}
}

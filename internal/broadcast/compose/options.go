package compose

// Header says whether the first row of a list has the names of the columns.
type Header string

const (
	// HeaderAuto takes the first row for a header when a cell is "userid", when the
	// template uses columns, and when its first cell is another usual name of the column
	// of recipients, such as "工号".
	HeaderAuto Header = ""
	// HeaderYes says that there is one.
	HeaderYes Header = "yes"
	// HeaderNo says that there is none: the first column is the recipient, and
	// columns are called "1", "2" and so on.
	HeaderNo Header = "no"
)

// Options of [Compile]. The zero value is for lists as people have them.
type Options struct {
	// Encoding is one of [Encodings], or "" to detect it. A byte order mark
	// overrides it.
	Encoding string
	Header   Header
	// SkipInvalid leaves out rows with a problem, which [Summary] counts, where the
	// list would be refused.
	SkipInvalid bool
	// TempDir is where lists that do not fit into memory are sorted, "" for [os.TempDir].
	// It takes about twice the size of the list.
	TempDir string
	// Progress, if not nil, is told now and then how many rows have been read.
	Progress func(rows int)
}

package message

import "testing"

func TestNamesAllAgreesWithTheSplitList(t *testing.T) {
	t.Parallel()
	for _, toUser := range []string{"", "@all", "@ALL", " @all ", "|@All| ", "@all|", "@all|zhangsan", "zhangsan|@all", "@al", "@all @all", "\u00a0@all", "@all||@all"} {
		if got, want := namesAll(toUser), (Recipients{Users: splitIDs(toUser)}).All(); got != want {
			t.Errorf("%q: %t, want %t", toUser, got, want)
		}
	}
}

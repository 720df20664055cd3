"""What people say in a show without meaning harm, though parts of it look as if they did."""

HARMLESS = """
it grew by a factor of 0.8234567890120798
Is it available in Scunthorpe or Penistone?
My aunt lives in Essex and loves it
I wear a 36 class A cup, does that fit?
The bass on that speaker is amazing
That assassin costume is so good
Is the glass dishwasher safe?
I assume the case is included
A classic cocktail dress, love it
Cockapoo owners, is it chew proof?
Dickens edition please
Moby Dickinson was my teacher
Is it shitake or shiitake flavour?
Arsenal red would be great
I'll pass it on to my sister
Does it come with a button?
Butter yellow is my colour
Grapes or grape flavour?
The therapist recommended this cream
Titanium or steel?
The title says two pieces
Analog or digital?
Canal street shop?
Can I analyse the ingredients?
Constitution of the fabric?
Manuscript size A4
Cucumber scent please
Documents fit in the bag?
Circumference of the ring?
I scrapped my old one
Hello! Hello from Shell beach
What the shell is that made of
Peacock feathers, wow
Hancock brand?
Weathercock print
Nude lipstick number 4 please
Does nude 02 come in matte?
Two panties in a pack?
Do you have size xx?
size s m l xl xxl
is it a s or a m
Kisses xxx
Big black bag please
Tight white jeans in stock?
A strap on this bag would help
Can it be tied up in the back?
That girl on the left is lovely
You make me come back every week
Fingering weight yarn for socks
A garden hoe too?
My old one sucks
Sexy dress!
What a bitter chocolate
Bitte in Rot
Hoover or Dyson?
Skin is dry, skim milk colour
Is $20 the final price? 50% off @ checkout?
Costs 455 or 8008 dollars?
I bought 3 for 19.99 yesterday
Order 100200300 has arrived
Order number 2024110012345 please
My number in the queue is 123456
EAN 4006381333931
It is 120 x 60 x 75 cm
1234567890 hearts for you
Delivery 24/12/2025 at 10:30?
From 08:00 to 18:00 or 09.30-17.30?
Open 01/02/2025 10:30 or 01.02.2025 10:30
v2.0.1 or v3?
No.It is fine
Love it.Thanks
Great quality.top seller
So soft.it feels like silk
Amazing... really!!! Net weight?
It has a net. Info please
Love this. Shop it now!
What time zone, e.g. UTC?
ok.so what is next
S.O.S send help
U.S.A shipping?
a.m. or p.m. delivery
Prof. Dr. Smith approves
10.000 followers.wow
rated 4.5/5 and/or more
e-mail me when it is back
DM me @mira
@noa look at this one
follow @mira_lives
❤️❤️❤️❤️❤️❤️❤️❤️
🔥🔥🔥 take my money 🔥🔥🔥
sooooooo good
yesssssss
nooooo it is gone
haha hahaha
Привет из Москвы
Καλησπέρα από την Αθήνα
こんにちは、可愛い！
好看，多少钱？
مرحبا
शुभ संध्या
Guten Abend aus Fucking, Österreich is now Fugging
""".strip().splitlines()[:-1]

RUDE = """
fuck this
FUCK
f.u.c.k
f u c k you
f-u-c-k
fuuuuuck
fück
f\u200bu\u200bc\u200bk
\uff46\uff55\uff43\uff4b
\U0001d58b\U0001d59a\U0001d588\U0001d590
fu\u0441k
fuc\u043a you
sh1t
s h i t
you bitch
b!tch
asshole
you are a c u n t
bullshit!!!
motherfucker
fu\u00adck
f\u0336u\u0336c\u0336k\u0336
""".strip().splitlines()

LINKS = """
https://cheap.example/x
http://a.b
buy at www.cheap-bags.test
cheapbags.com has it
cheapbags . com
cheapbags dot com
cheapbags[.]com
cheapbags(dot)net
t.me/cheapbags
bit.ly/abc
wa.me/4912345
shop.cheapbags.co.uk now
\uff43heap\uff0ecom
chea\u200bp.com
instagram.com/fake_mira
cheapbags.store/x
""".strip().splitlines()

CONTACTS = """
call +44 20 7946 0958
+491701234567
+1 (202) 555-0143
(202) 555-0143
202-555-0143
my number is 0170 1234567 89
02079460958
mail me noa@example.com
noa (at) example.com
0170/1234567 please
01.23.45.67.89
020 7946 0958
GB82 WEST 1234 5698 7654 32
DE89370400440532013000
de89 3704 0044 0532 0130 00
""".strip().splitlines()

CARDS = """
4242 4242 4242 4242
my card is 4242424242424242 ok
5555-5555-5555-4444
3782 822463 10005
6011.1111.1111.1117
4111_1111_1111_1111
4111/1111/1111/1111
\uff14\uff12\uff14\uff12 4242 4242 4242
""".strip().splitlines()

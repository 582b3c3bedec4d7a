# A tour of files and pipes: sh tour.sh
echo the words with an r in them, counted:
grep r words.txt | wc -l
mkdir tour
echo one > tour/a
echo two >> tour/a
ln tour/a tour/b
echo three >> tour/b
echo a and b are one file:
cat tour/a
mv tour/b tour/c
ls -l tour
rm -r tour && echo all gone

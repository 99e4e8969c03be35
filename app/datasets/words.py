"""256 common English words, about one token each for the tokenisers in use: one byte of a random stream is one word."""

WORDS = """
time year people way day man thing woman life child world school state family student group country problem hand
part place case week company system program question work government number night point home water room mother
area money story fact month lot right study book eye job word business issue side kind head house service friend
father power hour game line end member law car city community name president team minute idea body information
back parent face others level office door health person art war history party result change morning reason
research moment air teacher force age plan order paper space ground form value action model season society tax
table player police role record course rate production effort wall voice science need field color arm bank
figure street bit film store source price heart drug interest land market class cost test light road music rest
leader phone brain effect sense bed agent growth loss news pressure camera stage structure star energy theory
behavior army practice summer type property chance bill trade capital response concern sort station radio plant
window stone garden winter bridge river mountain island tree flower horse bird fish dog cat bread milk sugar
salt oil coffee tea fruit apple corn rice meat glass metal gold silver iron wood cotton silk wool leather rubber
plastic engine wheel train boat ship plane truck bus ticket hotel beach forest lake ocean sky cloud rain snow
wind storm fire smoke dust sand rock hill valley farm village town square park church castle tower gate roof
floor kitchen
""".split()  # noqa: SIM905  (a list would be pages long)

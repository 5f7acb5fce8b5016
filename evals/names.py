"""Common medicines, by name: not the knowledge base's list, so that a name it does not know is found too."""

import re

_COMMON = frozenset(
    """
    abatacept acarbose acyclovir alendronate allopurinol alprazolam amitriptyline amlodipine amoxicillin anakinra apixaban
    aripiprazole aspirin atenolol atorvastatin azathioprine azithromycin baclofen baricitinib benazepril bisoprolol bupropion
    buspirone canagliflozin carbamazepine carvedilol cefalexin cephalexin ceftriaxone celecoxib cetirizine chlorthalidone
    ciprofloxacin citalopram clarithromycin clonazepam clonidine clopidogrel colchicine cyclobenzaprine cyclophosphamide
    cyclosporine dabigatran dapagliflozin denosumab diazepam diclofenac digoxin diltiazem donepezil doxycycline duloxetine
    edoxaban empagliflozin enalapril enoxaparin escitalopram esomeprazole estradiol etanercept ezetimibe famotidine fentanyl
    finasteride fluconazole fluoxetine fluticasone furosemide gabapentin glipizide glyburide haloperidol heparin
    hydrochlorothiazide hydrocodone hydroxychloroquine hydroxyzine ibuprofen insulin ketorolac labetalol lamotrigine
    lansoprazole leflunomide levetiracetam levofloxacin levothyroxine liraglutide lisinopril lithium loperamide loratadine
    lorazepam losartan lovastatin meloxicam mercaptopurine mesalamine metformin methadone methotrexate methylphenidate
    metoprolol metronidazole mirtazapine montelukast morphine mycophenolate naproxen nifedipine nitrofurantoin olanzapine
    olmesartan omeprazole oxcarbazepine oxycodone pantoprazole paroxetine phenytoin pioglitazone pravastatin prednisolone
    prednisone pregabalin propranolol pyridostigmine quetiapine ramipril ranitidine rifampin risperidone rivaroxaban
    rosuvastatin semaglutide sertraline sildenafil simvastatin sitagliptin spironolactone sulfasalazine sumatriptan
    tacrolimus tamsulosin terazosin tizanidine topiramate tramadol trazodone upadacitinib valacyclovir valproate valsartan
    venlafaxine verapamil warfarin zolpidem
    """.split()
)
_WORD = re.compile(r"[a-z]{5,}")


def medicines_in(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text.casefold())) & _COMMON
